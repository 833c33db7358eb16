"""Rules in force, read every few seconds: they change by hand, transfers come by the thousand."""

import time
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

from ledger.core.rules import Rules
from ledger.db import rules
from ledger.db.engine import Database

FRESH_SECONDS = 2.0

_cached: WeakKeyDictionary[Database, tuple[float, Rules]] = WeakKeyDictionary()


def current_rules(database: Database) -> Rules:
    """Return the limits and tariffs in force, at most two seconds old."""
    entry = _cached.get(database)
    now = time.monotonic()
    if entry is not None and now - entry[0] < FRESH_SECONDS:
        return entry[1]
    fresh = database.call(lambda connection: rules.load(connection, datetime.now(UTC)))
    _cached[database] = (now, fresh)
    return fresh


def forget(database: Database) -> None:
    """Read the rules anew at the next call, as after setting them."""
    _cached.pop(database, None)
