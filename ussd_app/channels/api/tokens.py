"""Access tokens: short JWTs (RFC 7519) that name a person and the session behind them."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import jwt

from ledger.core.access import ACCESS_TOKEN_LIFETIME

ISSUER = "cycle"
AUDIENCE = "cycle-api"
_ALGORITHM = "HS256"
_CLAIMS = ["sub", "sid", "type", "iss", "aud", "iat", "exp"]


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who a valid access token names, and the session it was issued for."""

    kind: Literal["user", "admin"]
    person_id: int
    session_id: int


def issue(secret_key: str, bearer: Bearer) -> str:
    """Return a signed access token, good for fifteen minutes."""
    now = datetime.now(UTC)
    claims = {
        "sub": f"{bearer.kind}:{bearer.person_id}",
        "sid": bearer.session_id,
        "type": "access",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + ACCESS_TOKEN_LIFETIME,
    }
    return jwt.encode(claims, _key(secret_key), algorithm=_ALGORITHM)


def read(secret_key: str, token: str) -> Bearer | None:
    """Return whom a token names; None when it is forged, stale or meant for something else."""
    try:
        claims = jwt.decode(
            token,
            _key(secret_key),
            algorithms=[_ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": _CLAIMS},
        )
    except jwt.InvalidTokenError:
        return None
    kind, _, person_id = claims["sub"].partition(":")
    if claims["type"] != "access" or kind not in ("user", "admin"):
        return None
    return Bearer(kind, int(person_id), int(claims["sid"]))


def _key(secret_key: str) -> bytes:
    # A key of its own, so that nothing else signed with SECRET_KEY passes as a token.
    return hmac.digest(secret_key.encode(), b"api access token", hashlib.sha256)
