"""Tokens that speak for somebody, and the many that only pretend to."""

import base64
import hmac
import json
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from api.keys import FixedKeys, RemoteKeys, read_keys
from api.problems import Refused
from api.tokens import Tokens
from concert.issuer import Issuer

EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
JWKS: dict[str, list[Any]] = {"keys": [key.as_dict(private=False) for key in (EC, RSA, ED)]}
KEYS = FixedKeys(JWKS)
NOW = 1_800_000_000.0
CLAIMS: dict[str, Any] = {"iss": "https://id.example.org", "aud": "concert", "sub": "ana", "exp": NOW + 3600}


def tokens(now: float = NOW, keys: Any = KEYS) -> Tokens:
    return Tokens("https://id.example.org", "concert", keys, clock=lambda: now)


def signed(algorithm: str = "ES256", key: Key = EC, header: dict[str, Any] | None = None, **claims: Any) -> str:
    payload = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    head = {"alg": algorithm, "kid": key.kid, **(header or {})}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        return jwt.encode(head, payload, key, registry=registry)


def part(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def refused(token: str, checker: Tokens | None = None) -> bool:
    try:
        (checker or tokens()).verify(token)
    except Refused as refusal:
        return refusal.kind.status == 401 and refusal.headers["WWW-Authenticate"].startswith("Bearer")
    return False


@pytest.mark.parametrize(("algorithm", "key"), [("ES256", EC), ("RS256", RSA), ("EdDSA", ED), ("Ed25519", ED)])
def test_a_good_token_speaks_for_its_subject(algorithm: str, key: Key) -> None:
    claims = tokens().verify(signed(algorithm, key))
    assert (claims.subject, claims.expires_at) == ("ana", NOW + 3600)


def test_one_of_several_audiences_is_enough() -> None:
    assert not refused(signed(aud=["other", "concert"]))


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"exp": NOW - 61},
        {"exp": True},
        {"exp": "1900000000"},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": 10**400},
        {"nbf": NOW + 3_700},
        {"nbf": "soon"},
        {"aud": "other"},
        {"aud": None},
        {"aud": ["other"]},
        {"aud": {"concert": 1}},
        {"iss": "https://id.example.com"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a\0b"},
        {"sub": "x" * 256},
    ],
)
def test_a_well_signed_token_with_wrong_claims_is_refused(claims: dict[str, Any]) -> None:
    assert refused(signed(**claims))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"alg": "ES384"},
        {"alg": None},
        {"alg": ["ES256"]},
        {"kid": "unknown"},
        {"kid": None},
        {"kid": ["ec"]},
        {"kid": "../../etc/passwd"},
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": False},
    ],
)
def test_a_token_whose_header_claims_something_else_is_refused(header: dict[str, Any]) -> None:
    _, payload, signature = signed().split(".")
    assert refused(f"{part({'alg': 'ES256', 'kid': 'ec', **header})}.{payload}.{signature}")


def test_no_algorithm_means_no_token() -> None:
    assert refused(f"{part({'alg': 'none', 'kid': 'ec'})}.{part(CLAIMS)}.")


def test_a_public_key_is_no_shared_secret() -> None:
    for secret in (
        RSA.as_pem(private=False),
        RSA.as_der(private=False),
        json.dumps(JWKS["keys"][1]).encode(),
    ):
        signed_part = f"{part({'alg': 'HS256', 'kid': 'rsa'})}.{part(CLAIMS)}"
        assert refused(f"{signed_part}.{part(hmac.digest(secret, signed_part.encode(), 'sha256'))}")


def test_a_key_that_the_token_brings_along_is_not_looked_at() -> None:
    mine = ECKey.generate_key("P-256", {"kid": "mine"})
    for header in (
        {"jwk": mine.as_dict(private=False)},
        {"jku": "https://attacker.example.org/jwks"},
        {"x5u": "https://attacker.example.org/x5u"},
    ):
        assert refused(signed(key=mine, header=header))
        assert refused(signed(key=mine, header={**header, "kid": "ec"}))
        assert not refused(signed(header=header))


def test_a_changed_payload_is_refused() -> None:
    head, _, signature = signed().split(".")
    assert refused(f"{head}.{part({**CLAIMS, 'sub': 'ben'})}.{signature}")


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "é.é.é",
        "x" * 9000,
        part(b"[" * 3000) + ".e30.AA",
        part([]) + ".e30.AA",
        "\ud800.a.b",
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert refused(token)


@given(st.text())
def test_no_text_crashes_the_check(text: str) -> None:
    assert refused(text)
    assert tokens().remembered(text) is None


def test_a_clock_that_is_an_hour_off_refuses_nobody_within_the_tokens_life() -> None:
    token = signed(nbf=NOW, iat=NOW, exp=NOW + 12 * 3600)
    for off in (-3600, 3600):
        assert not refused(token, tokens(now=NOW + off))


def test_a_remembered_token_is_not_checked_twice_and_not_trusted_for_ever() -> None:
    now, asked = [NOW], []

    def keys(kid: str) -> Any:
        asked.append(kid)
        return KEYS(kid)

    checker = Tokens("https://id.example.org", "concert", keys, clock=lambda: now[0])
    token = signed(exp=NOW + 900)
    assert checker.remembered(token) is None
    for _ in range(3):
        checker.verify(token)
    assert len(asked) == 1
    assert checker.remembered(token) is not None
    now[0] += 601
    checker.verify(token)
    assert len(asked) == 2
    now[0] += 400
    assert checker.remembered(token) is None
    assert refused(token, checker)


def test_secret_weak_foreign_and_broken_keys_of_an_issuer_are_left_out() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weak = RSAKey.generate_key(1024, {"kid": "weak"}).as_dict(private=False)
        secret = OctKey.import_key("x" * 40, {"kid": "secret"}).as_dict()
    other = ECKey.generate_key("P-384", {"kid": "p384"}).as_dict(private=False)
    sealing = {**JWKS["keys"][0], "kid": "enc", "use": "enc"}
    nameless = {name: value for name, value in JWKS["keys"][0].items() if name != "kid"}
    broken = {"kty": "EC", "kid": "broken", "crv": "P-256"}
    listed = [weak, secret, other, sealing, nameless, broken, None, 7, *JWKS["keys"]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert set(read_keys({"keys": listed})) == {"ec", "rsa", "ed"}
    assert read_keys(None) == read_keys([]) == read_keys({"keys": 7}) == {}


class Provider:
    """An OIDC provider that can be away, and that counts how often it is asked for its keys."""

    def __init__(self) -> None:
        self.away, self.asked, self.keys = False, 0, JWKS["keys"][:1]
        self.issuer = "https://id.example.org"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectError("away")
        if request.url.path.endswith("openid-configuration"):
            return httpx.Response(200, json={"issuer": self.issuer, "jwks_uri": "https://id.example.org/jwks"})
        self.asked += 1
        return httpx.Response(200, json={"keys": self.keys})


def remote(provider: Provider, now: Callable[[], float]) -> RemoteKeys:
    return RemoteKeys("https://id.example.org", transport=httpx.MockTransport(provider), clock=now)


def test_an_issuers_keys_are_fetched_once_and_outlive_its_outage() -> None:
    provider, now = Provider(), [1000.0]
    keys = remote(provider, lambda: now[0])
    assert keys("ec") is not None
    assert keys("ec") is not None
    assert provider.asked == 1
    now[0] += 601
    provider.away = True
    assert keys("ec") is not None
    provider.away, provider.keys = False, JWKS["keys"][1:]
    now[0] += 31
    assert keys("rsa") is not None
    assert keys("ec") is None
    keys.close()


def test_an_unknown_key_makes_us_ask_again_but_not_on_every_request() -> None:
    provider, now = Provider(), [1000.0]
    keys = remote(provider, lambda: now[0])
    assert [keys(f"made-up-{number}") for number in range(50)] == [None] * 50
    assert provider.asked == 1
    provider.keys = JWKS["keys"]
    now[0] += 31
    assert keys("rsa") is not None
    assert provider.asked == 2
    keys.close()


def test_as_long_as_no_key_was_ever_seen_people_are_asked_to_come_back() -> None:
    provider = Provider()
    provider.issuer = "https://somebody-else.example.org"
    keys = remote(provider, lambda: 1000.0)
    with pytest.raises(Refused) as refusal:
        keys("ec")
    assert refusal.value.kind.status == 503
    keys.close()


def test_the_embedded_issuers_tokens_are_believed_and_its_key_stays_private(tmp_path: Path) -> None:
    issuer = Issuer.open(tmp_path / "data")
    again = Issuer.open(tmp_path / "data")
    (key_file,) = (tmp_path / "data").iterdir()
    assert key_file.stat().st_mode & 0o777 == 0o600
    checker = Tokens(issuer.name, "concert", FixedKeys(issuer.jwks()))
    claims = checker.verify(again.sign("ana", 60))
    assert claims.subject == "ana"
    assert 50 < claims.expires_at - time.time() <= 60
    assert refused(issuer.sign("ana", -120), checker)
    assert all("d" not in key for key in json.loads(json.dumps(issuer.jwks()))["keys"])
    assert issuer.configuration("http://127.0.0.1:8000")["issuer"] == issuer.name


def test_two_processes_that_begin_at_once_agree_on_one_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Issuer.open(tmp_path)
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert Issuer.open(tmp_path).jwks() == first.jwks()
    assert os.listdir(tmp_path) == ["issuer.pem"]  # noqa: PTH208 - Path is bent above
