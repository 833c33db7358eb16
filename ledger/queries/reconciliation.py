"""Reads of reconciliation."""

from dataclasses import dataclass

from ledger.core.context import Context
from ledger.db import reconciliation
from ledger.db.engine import Database
from ledger.db.reconciliation import Item, Run

ITEMS_MAX = 500


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run with what it saw."""

    run: Run
    items: list[Item]


def report(database: Database, context: Context, run_id: int) -> RunReport | None:
    """Return a run with its items, at most 500."""
    with database.transaction(context) as connection:
        run = reconciliation.get_run(connection, run_id)
        if run is None:
            return None
        return RunReport(run, reconciliation.items_of_run(connection, run_id, ITEMS_MAX))


def history(database: Database, context: Context, limit: int) -> list[Run]:
    """Return the newest runs."""
    with database.transaction(context) as connection:
        return reconciliation.newest_runs(connection, limit)


def items(database: Database, context: Context, state: str, limit: int = 200) -> list[Item]:
    """Return the newest items in a state."""
    with database.transaction(context) as connection:
        return reconciliation.items_by_state(connection, state, limit)


def item(database: Database, context: Context, item_id: int) -> Item | None:
    """Return an item by id."""
    with database.transaction(context) as connection:
        return reconciliation.get_item(connection, item_id)
