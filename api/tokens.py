"""Who a bearer token speaks for: JWTs of one OIDC issuer, checked against keys that we know already."""

import json
import time
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from api.keys import Keys, PublicKey
from api.problems import Refused

LONGEST_TOKEN = 8192
EXPIRY_LEEWAY_SECONDS = 60
EARLY_LEEWAY_SECONDS = 3_660
"""A clock that is an hour slow must not refuse a token within its life (faults: clock off by an hour)."""
_REMEMBERED_TOKENS = 10_000
_REMEMBERED_SECONDS = 600
_FAMILIES: Final[Mapping[str, type[PublicKey]]] = {
    "ES256": ECKey,
    "RS256": RSAKey,
    "EdDSA": OKPKey,
    "Ed25519": OKPKey,
}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says; whether that person may still come in is for the record to say."""

    subject: str
    issuer: str
    expires_at: float


def refused(detail: str = "The token is not valid here. Sign in again.") -> Refused:
    """401 with the challenge that RFC 6750 wants for a token that was sent and is no good."""
    challenge = 'Bearer realm="concert", error="invalid_token"'
    return Refused("unauthenticated", detail, headers={"WWW-Authenticate": challenge})


class Tokens:
    """Verifies tokens of one issuer for one audience.

    Only the algorithms above, each with a key of its own family; the key comes from `keys` alone, whatever
    the token's header says about `jku`, `x5u` or `jwk`. A verified token is remembered by its hash for ten
    minutes at most, so that a signature is checked once and a withdrawn key is noticed. Safe to use from
    several threads.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        keys: Keys,
        *,
        leeway: float = EXPIRY_LEEWAY_SECONDS,
        early: float = EARLY_LEEWAY_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuer, self._audience, self._keys = issuer, audience, keys
        self._leeway, self._early, self._clock = leeway, early, clock
        self._known: OrderedDict[bytes, tuple[Claims, float]] = OrderedDict()
        self._lock = Lock()

    def remembered(self, token: str) -> Claims | None:
        """The claims if this very token was verified lately and lives; never blocks."""
        digest = _digest(token)
        with self._lock:
            found = self._known.get(digest)
            if found is None:
                return None
            claims, verified_at = found
            now = self._clock()
            if now > claims.expires_at + self._leeway or not 0 <= now - verified_at < _REMEMBERED_SECONDS:
                del self._known[digest]
                return None
            self._known.move_to_end(digest)
            return claims

    def verify(self, token: str) -> Claims:
        """The claims of a token, or `Refused` 401. May fetch the issuer's keys, so never call it on the
        event loop.
        """
        claims = self.remembered(token)
        if claims is None:
            claims = self._check(self._open(token))
            with self._lock:
                self._known[_digest(token)] = (claims, self._clock())
                if len(self._known) > _REMEMBERED_TOKENS:
                    self._known.popitem(last=False)
        return claims

    def _open(self, token: str) -> dict[str, Any]:
        """The payload, once the signature holds."""
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise refused()
        try:
            signed = jws.deserialize_compact(token, self._key(token), registry=_REGISTRY)
            payload = json.loads(signed.payload)
        except (JoseError, ValueError, TypeError, RecursionError):
            raise refused() from None
        if not isinstance(payload, dict):
            raise refused()
        return payload

    def _key(self, token: str) -> PublicKey:
        header = json.loads(_base64(token.partition(".")[0]))
        if not isinstance(header, dict) or "crit" in header or "b64" in header:
            raise refused()
        algorithm, kid = header.get("alg"), header.get("kid")
        family = _FAMILIES.get(algorithm) if isinstance(algorithm, str) else None
        if family is None or not isinstance(kid, str):
            raise refused()
        key = self._keys(kid)
        if key is None or not isinstance(key, family):
            raise refused()
        return key

    def _check(self, payload: Mapping[str, Any]) -> Claims:
        now = self._clock()
        expires_at, not_before = _time(payload.get("exp")), _time(payload.get("nbf", 0))
        if now > expires_at + self._leeway:
            raise refused("The token has expired. Sign in again.")
        if not_before > now + self._early:
            raise refused("The token is not valid yet. Check the clocks.")
        subject, audience = payload.get("sub"), payload.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if payload.get("iss") != self._issuer or self._audience not in audiences:
            raise refused("The token is meant for another service.")
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or not subject.isprintable():
            raise refused()
        return Claims(subject, self._issuer, expires_at)


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


class _Registry(jws.JWSRegistry):
    """Knows `EdDSA` by its newer name, which says the curve (RFC 9864)."""

    def get_alg(self, name: str) -> Any:
        return super().get_alg("Ed25519" if name == "EdDSA" else name)


_REGISTRY = _Registry(algorithms=list(_FAMILIES), strict_check_header=False)


def _base64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _time(value: object) -> float:
    """A NumericDate; a token without a usable one is refused."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise refused()
    return float(value)
