"""The OAuth token (Daraja 1.2): one for all workers, kept encrypted in Redis.

A new token may kill the previous one, so only one worker fetches at a time and a refused
token is dropped only if it is still the one that is shared.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from redis import Redis
from redis.exceptions import LockError

from jobs.clients.mpesa.account import DarajaAccount

REFRESH_MARGIN_SECONDS = 90
LIFETIME_SECONDS_DEFAULT = 3599
_LOCK_SECONDS = 60
_FAILURE_SECONDS = 5
_DROP_IF_SAME = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end"
)


class TokenUnavailableError(Exception):
    """No token could be had; nothing was sent, so the request may be made later."""


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, and the sealed form under which Redis holds it."""

    value: str = field(repr=False)
    sealed: bytes = field(repr=False)


class TokenStore:
    """Hands out the shared token of one Daraja account.

    ``fetch`` makes the OAuth call and returns the body's fields; it raises
    ``TokenUnavailableError``. After a failure nobody asks again for a few seconds.
    """

    def __init__(
        self, redis: "Redis", account: DarajaAccount, fetch: Callable[[], dict[str, object]]
    ) -> None:
        self._redis = redis
        self._fetch = fetch
        name = hashlib.sha256(f"{account.base_url}\n{account.consumer_key}".encode()).hexdigest()
        self._key = f"daraja:token:{name[:24]}"
        derived = HKDF(SHA256(), 32, salt=None, info=b"daraja token at rest").derive(
            account.consumer_secret.encode()
        )
        self._cipher = Fernet(base64.urlsafe_b64encode(derived))

    def current(self) -> Token:
        """Return the shared token, fetching a new one if there is none."""
        token = self._stored()
        if token is not None:
            return token
        try:
            lock = self._redis.lock(
                f"{self._key}:lock", timeout=_LOCK_SECONDS, blocking_timeout=_LOCK_SECONDS
            )
            with lock:
                return self._stored() or self._renew()
        except LockError as error:
            raise TokenUnavailableError("another worker is still fetching the token") from error

    def drop(self, token: Token) -> None:
        """Forget a token that the gateway refused, unless another worker replaced it already."""
        self._redis.eval(_DROP_IF_SAME, 1, self._key, token.sealed)

    def _stored(self) -> Token | None:
        sealed = self._redis.get(self._key)
        if not isinstance(sealed, bytes):
            return None
        try:
            return Token(json.loads(self._cipher.decrypt(sealed))["token"], sealed)
        except (InvalidToken, ValueError, KeyError):
            return None

    def _renew(self) -> Token:
        if self._redis.exists(f"{self._key}:failed"):
            raise TokenUnavailableError("the last OAuth call failed a moment ago")
        try:
            body = self._fetch()
            value = body.get("access_token")
            if not isinstance(value, str) or not value:
                raise TokenUnavailableError("the OAuth answer holds no token")
        except TokenUnavailableError:
            self._redis.set(f"{self._key}:failed", b"1", ex=_FAILURE_SECONDS)
            raise
        sealed = self._cipher.encrypt(json.dumps({"token": value}).encode())
        kept = max(lifetime_seconds(body.get("expires_in")) - REFRESH_MARGIN_SECONDS, 1)
        self._redis.set(self._key, sealed, ex=kept)
        return Token(value, sealed)


def lifetime_seconds(value: object) -> int:
    """Read ``expires_in``, a string on the wire; anything odd counts as the usual hour."""
    try:
        seconds = Decimal(str(value))
    except InvalidOperation:
        return LIFETIME_SECONDS_DEFAULT
    if not seconds.is_finite() or not 0 < seconds <= 86_400:
        return LIFETIME_SECONDS_DEFAULT
    return int(seconds)
