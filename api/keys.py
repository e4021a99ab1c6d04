"""The public keys of the issuer of tokens, by their `kid`: fixed ones, or those that an issuer publishes."""

import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from api.problems import Refused

PublicKey = ECKey | RSAKey | OKPKey
Keys = Callable[[str], PublicKey | None]
"""Finds the issuer's public key of a `kid`, or None; may block, never raises but `Refused`."""

log = structlog.get_logger("concert.api")


def read_keys(document: object) -> dict[str, PublicKey]:
    """The usable signing keys of a JWKS by `kid`; secret, weak, foreign and unreadable ones are left out."""
    listed = document.get("keys") if isinstance(document, dict) else None
    keys: dict[str, PublicKey] = {}
    for each in listed if isinstance(listed, list) else []:
        key = _read_key(each)
        if key is not None:
            keys[each["kid"]] = key
    return keys


def _read_key(each: Any) -> PublicKey | None:
    if not isinstance(each, dict) or each.get("use", "sig") != "sig" or not isinstance(each.get("kid"), str):
        return None
    try:
        key = import_key(each)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, RSAKey):
        return key if key.public_key.key_size >= 2048 else None
    if isinstance(key, ECKey):
        return key if key.curve_name == "P-256" else None
    return key if isinstance(key, OKPKey) and key.curve_name == "Ed25519" else None


class FixedKeys:
    """The keys of a JWKS that does not change while the process lives, such as the embedded issuer's."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self._keys = read_keys(document)

    def __call__(self, kid: str) -> PublicKey | None:
        return self._keys.get(kid)


class RemoteKeys:
    """The keys that an OIDC issuer publishes, found by discovery.

    Fetched again every `lifetime` seconds, and for an unknown `kid` at most once in `pause` seconds. While
    the issuer is away the last keys stay in use; before the first success everything is 503.
    """

    def __init__(
        self,
        issuer: str,
        *,
        lifetime: float = 600.0,
        pause: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer, self._lifetime, self._pause, self._clock = issuer, lifetime, pause, clock
        self._client = httpx.Client(transport=transport, timeout=5.0, follow_redirects=False)
        self._keys: dict[str, PublicKey] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._lock = Lock()

    def __call__(self, kid: str) -> PublicKey | None:
        with self._lock:
            now = self._clock()
            wanted = kid not in self._keys or now - self._fetched_at >= self._lifetime
            if wanted and now - self._tried_at >= (self._pause if self._keys else 1.0):
                self._fetch(now)
            if not self._keys:
                raise Refused("unavailable", "The issuer of tokens cannot be reached. Try again shortly.")
            return self._keys.get(kid)

    def close(self) -> None:
        self._client.close()

    def _fetch(self, now: float) -> None:
        self._tried_at = now
        try:
            described = self._get(self._issuer.rstrip("/") + "/.well-known/openid-configuration")
            if described["issuer"] != self._issuer:
                raise ValueError("the discovery document names another issuer")
            keys = read_keys(self._get(described["jwks_uri"]))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, RecursionError) as exc:
            log.warning("issuer_unreachable", type=type(exc).__name__)
            return
        if keys:
            self._keys, self._fetched_at = keys, now

    def _get(self, url: str) -> Any:
        address = httpx.URL(url)
        if address.scheme != "https" and address.host not in {"127.0.0.1", "localhost", "::1"}:
            raise ValueError("an issuer is asked over https only")
        return self._client.get(address).raise_for_status().json()
