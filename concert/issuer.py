"""The embedded OIDC issuer: for development on one machine. It signs for whoever can read the data
directory.
"""

import secrets
import time
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey

from concert.kept import kept

ISSUER = "urn:concert:development"
LIFETIME_SECONDS = 12 * 3600


class Issuer:
    """One ES256 key and what it says. The tokens carry no `nbf`, so a slow clock elsewhere refuses none of
    them.
    """

    def __init__(self, key: ECKey, *, audience: str = "concert", name: str = ISSUER) -> None:
        self._key, self._audience, self.name = key, audience, name
        self._kid = key.thumbprint()

    @classmethod
    def open(cls, data_dir: Path, *, audience: str = "concert", name: str = ISSUER) -> "Issuer":
        """The issuer of a data directory; the first call makes its key, readable by its owner only."""
        pem = kept(data_dir / "issuer.pem", lambda: ECKey.generate_key("P-256").as_pem(private=True))
        return cls(ECKey.import_key(pem), audience=audience, name=name)

    def sign(self, login: str, lifetime: float = LIFETIME_SECONDS) -> str:
        """A bearer token for the person of this login, valid for `lifetime` seconds from now."""
        now = int(time.time())
        claims = {
            "iss": self.name,
            "aud": self._audience,
            "sub": login,
            "iat": now,
            "exp": now + int(lifetime),
            "jti": secrets.token_urlsafe(12),
        }
        return jwt.encode({"alg": "ES256", "kid": self._kid}, claims, self._key, algorithms=["ES256"])

    def jwks(self) -> dict[str, object]:
        """The public half of the key, as a JWK set."""
        return {"keys": [{**self._key.as_dict(private=False), "kid": self._kid, "use": "sig", "alg": "ES256"}]}

    def configuration(self, base_url: str) -> dict[str, object]:
        """The discovery document of an API reached at `base_url`. There is no sign-in page to name."""
        return {
            "issuer": self.name,
            "jwks_uri": f"{base_url}/.well-known/jwks.json",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }
