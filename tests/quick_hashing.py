"""PINs and passwords of tests, hashed as the product does but at argon2's least cost.

The cost stands in each stored hash, so whoever checks one of these is quick, too. That the
product itself is slow is asserted in tests/unit/test_pins.py and
tests/web/test_console_access.py.
"""

import argon2
from pydantic import SecretStr

from ledger.db.engine import Database
from ledger.pin_hashing import PinHasher
from ledger.settings import LedgerSettings

_quick = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"
PASSWORD_HASH = _quick.hash(PASSWORD)


class QuickPinHasher(PinHasher):
    """Hashes thousands of PINs in the time of a hundred."""

    def __init__(self, pepper: str) -> None:
        super().__init__(pepper)
        self._argon2 = _quick


def open_database(settings: LedgerSettings, url: str | None = None) -> Database:
    """Open the database that the settings name, or another one, with PINs hashed quickly."""
    if url is not None:
        settings = settings.model_copy(update={"database_url": SecretStr(url)})
    database = Database.from_settings(settings)
    database.pin_hasher = QuickPinHasher(settings.pin_pepper.get_secret_value())
    return database
