"""PINs at rest: argon2id over an HMAC with a server-side pepper.

Four digits alone fall to anyone who holds the table; the pepper is not in the database.
"""

import hashlib
import hmac

import argon2


class PinHasher:
    """Hashes and checks PINs. Slow on purpose: about 20 ms and 19 MiB a check (OWASP's floor)."""

    def __init__(self, pepper: str) -> None:
        self._pepper = pepper.encode()
        self._argon2 = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

    def hash(self, pin: str) -> str:
        """Return the text to store for a PIN."""
        return self._argon2.hash(self._peppered(pin))

    def matches(self, stored: str, pin: str) -> bool:
        """Tell whether a PIN is the one behind a stored text."""
        try:
            return self._argon2.verify(stored, self._peppered(pin))
        except argon2.exceptions.VerifyMismatchError:
            return False

    def _peppered(self, pin: str) -> bytes:
        return hmac.digest(self._pepper, pin.encode(), hashlib.sha256)
