"""The ledger's upkeep. Each can run again at any time, also twice at once."""

from collections.abc import Callable

from ledger.core.context import Context
from ledger.db import maintenance
from ledger.db.engine import Connection, Database

MONTHS_AHEAD = 12

_UPKEEP = Context.of_system("upkeep")


def fold_balances(database: Database) -> int:
    """Fold all waiting deltas of system accounts into their checkpoints; returns how many."""
    return _drain(database, maintenance.fold_balance_deltas)


def seal_audit(database: Database) -> int:
    """Seal all waiting audit rows into the chain; returns how many."""
    return _drain(database, maintenance.seal_audit)


def create_partitions(database: Database) -> int:
    """Keep a year of month partitions ahead of the clock; returns how many were missing."""
    return database.run(
        _UPKEEP, lambda c: maintenance.create_posting_partitions(c, months_ahead=MONTHS_AHEAD)
    )


def _drain(database: Database, batch: Callable[[Connection], int]) -> int:
    total = 0
    while True:
        done = database.run(_UPKEEP, batch)
        total += done
        if done < maintenance.BATCH:
            return total
