"""Dated rules for tests: set for a while and put back, as others use the same database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from ledger.core.context import Context
from ledger.core.rules import Limit
from ledger.db import rules, rules_cache
from ledger.db.engine import Database

_CONTEXT = Context.of_system("test")


def set_limit(database: Database, kind: str, *shillings: int) -> None:
    """Let a limit hold from now on: at least, at most, and a day's total, in shillings."""
    minimum, maximum, daily = (figure * 100 for figure in shillings)
    limit = Limit(minimum=minimum, maximum=maximum, daily=daily)
    with database.transaction(_CONTEXT) as connection:
        rules.set_limit(connection, kind, limit, valid_from=datetime.now(UTC), set_by="test")
    rules_cache.forget(database)


def set_fee(database: Database, kind: str, shillings: int) -> None:
    """Let everything of a kind cost the same from now on."""
    bands = [(500_000_00, shillings * 100)]
    with database.transaction(_CONTEXT) as connection:
        rules.set_tariff(connection, kind, bands, valid_from=datetime.now(UTC), set_by="test")
    rules_cache.forget(database)


@contextmanager
def payouts_to_others(
    database: Database, *, maximum: int = 300, daily: int = 400
) -> Iterator[None]:
    """Open withdrawals to other numbers, at least 10 shillings each."""
    set_limit(database, "withdrawal_other", 10, maximum, daily)
    try:
        yield
    finally:
        set_limit(database, "withdrawal_other", 0, 0, 0)
