"""SQL of reconciliation's runs and items."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ledger.db.engine import Connection


@dataclass(frozen=True, slots=True)
class Run:
    """One run. ``found`` counts items by category, ``sources`` says which could be read."""

    id: int
    kind: str
    state: str
    requested_at: datetime
    requested_by: str
    started_at: datetime | None
    finished_at: datetime | None
    window_start: datetime | None
    window_end: datetime | None
    sources: dict[str, str]
    found: dict[str, int]
    new_items: int
    problem: str | None

    @property
    def mismatch_count(self) -> int:
        """Return how many mismatches the run saw, known ones included."""
        return sum(self.found.values())


@dataclass(frozen=True, slots=True)
class Item:
    """One mismatch. ``expected`` is the ledger's cents, ``actual`` M-Pesa's."""

    id: int
    category: str
    subject: str
    day: date
    state: str
    receipt: str | None
    payment_id: int | None
    transaction_id: int | None
    expected: int | None
    actual: int | None
    detail: str
    found_at: datetime
    first_run_id: int
    last_run_id: int
    notes: str | None
    resolver: str | None
    resolved_at: datetime | None
    proposed_action: str | None
    proposed_by: str | None
    proposed_notes: str | None
    resolution_transaction_id: int | None

    @property
    def amount(self) -> int:
        """Return the cents that are in question."""
        return abs(self.actual or self.expected or 0)


_RUN = (
    "SELECT id, kind, state, requested_at, requested_by, started_at, finished_at, window_start,"
    " window_end, sources, found, new_items, problem FROM reconciliation_runs "
)
_ITEM = (
    "SELECT id, category, subject, day, state, receipt, payment_id, transaction_id, expected,"
    " actual, detail, found_at, first_run_id, last_run_id, notes, resolver, resolved_at,"
    " proposed_action, proposed_by, proposed_notes, resolution_transaction_id"
    " FROM reconciliation_items "
)


def request_run(
    connection: Connection,
    kind: str,
    window_start: datetime | None,
    window_end: datetime | None,
    requested_by: str,
) -> int:
    """Store a wish for a run; returns its id."""
    row = connection.execute(
        "INSERT INTO reconciliation_runs (kind, window_start, window_end, requested_by)"
        " VALUES (%s, %s, %s, %s) RETURNING id",
        (kind, window_start, window_end, requested_by),
    ).fetchone()
    assert row is not None
    run_id: int = row["id"]
    return run_id


def start_run(connection: Connection, run_id: int) -> bool:
    """Begin a requested run; False when somebody else has it."""
    return (
        connection.execute(
            "UPDATE reconciliation_runs SET state = 'running', started_at = now()"
            " WHERE id = %s AND state = 'requested'",
            (run_id,),
        ).rowcount
        == 1
    )


def requested_runs(connection: Connection) -> list[int]:
    """Return the runs that wait, oldest first; also those whose worker died an hour ago."""
    connection.execute(
        "UPDATE reconciliation_runs SET state = 'requested'"
        " WHERE state = 'running' AND started_at < now() - interval '1 hour'"
    )
    return [
        row["id"]
        for row in connection.execute(
            "SELECT id FROM reconciliation_runs WHERE state = 'requested' ORDER BY id"
        )
    ]


def has_run(connection: Connection, kind: str, window_end: datetime, requested_by: str) -> bool:
    """Tell whether a scheduled run for a window stands already."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM reconciliation_runs WHERE kind = %s AND window_end = %s"
        " AND requested_by = %s) AS found",
        (kind, window_end, requested_by),
    ).fetchone()
    return row is not None and bool(row["found"])


def finish_run(
    connection: Connection,
    run_id: int,
    state: str,
    *,
    sources: dict[str, str],
    found: dict[str, int],
    new_items: int,
    problem: str | None = None,
) -> None:
    """Write how a run ended."""
    connection.execute(
        "UPDATE reconciliation_runs SET state = %s, finished_at = clock_timestamp(), sources = %s,"
        " found = %s, new_items = %s, problem = %s WHERE id = %s",
        (state, Jsonb(sources), Jsonb(found), new_items, problem, run_id),
    )


def get_run(connection: Connection, run_id: int) -> Run | None:
    """Return a run by id."""
    with connection.cursor(row_factory=class_row(Run)) as cursor:
        return cursor.execute(_RUN + "WHERE id = %s", (run_id,)).fetchone()


def newest_runs(connection: Connection, limit: int) -> list[Run]:
    """Return the newest runs."""
    with connection.cursor(row_factory=class_row(Run)) as cursor:
        return cursor.execute(_RUN + "ORDER BY id DESC LIMIT %s", (limit,)).fetchall()


def items_of_run(connection: Connection, run_id: int, limit: int) -> list[Item]:
    """Return the items that a run saw."""
    with connection.cursor(row_factory=class_row(Item)) as cursor:
        return cursor.execute(
            _ITEM + "WHERE last_run_id = %s ORDER BY id LIMIT %s", (run_id, limit)
        ).fetchall()


def items_by_state(connection: Connection, state: str, limit: int) -> list[Item]:
    """Return the newest items in a state."""
    with connection.cursor(row_factory=class_row(Item)) as cursor:
        return cursor.execute(
            _ITEM + "WHERE state = %s ORDER BY id DESC LIMIT %s", (state, limit)
        ).fetchall()


def get_item(connection: Connection, item_id: int) -> Item | None:
    """Return an item by id."""
    with connection.cursor(row_factory=class_row(Item)) as cursor:
        return cursor.execute(_ITEM + "WHERE id = %s", (item_id,)).fetchone()


def take_item(connection: Connection, item_id: int) -> Item | None:
    """Lock and return an item."""
    with connection.cursor(row_factory=class_row(Item)) as cursor:
        return cursor.execute(_ITEM + "WHERE id = %s FOR UPDATE", (item_id,)).fetchone()


def propose(
    connection: Connection, item_id: int, action: str, proposed_by: str, notes: str
) -> None:
    """Store what one member of staff wants to do and a second one must confirm."""
    connection.execute(
        "UPDATE reconciliation_items SET proposed_action = %s, proposed_by = %s,"
        " proposed_notes = %s WHERE id = %s",
        (action, proposed_by, notes, item_id),
    )


def close_item(
    connection: Connection,
    item_id: int,
    state: str,
    *,
    notes: str,
    resolver: str,
    transaction_id: int | None = None,
) -> None:
    """Close an item as resolved or ignored."""
    connection.execute(
        "UPDATE reconciliation_items SET state = %s, notes = %s, resolver = %s,"
        " resolved_at = now(), resolution_transaction_id = %s WHERE id = %s",
        (state, notes, resolver, transaction_id, item_id),
    )


def add_item(connection: Connection, run_id: int, found: dict[str, Any]) -> bool:
    """Add or renew one item that was found outside the set-based search; True when new."""
    row = connection.execute(
        "INSERT INTO reconciliation_items (first_run_id, last_run_id, category, subject, day,"
        " receipt, payment_id, transaction_id, expected, actual, detail)"
        " VALUES (%(run)s, %(run)s, %(category)s, %(subject)s, %(day)s, NULL, NULL, NULL,"
        " %(expected)s, %(actual)s, %(detail)s)"
        " ON CONFLICT (category, subject, day) DO UPDATE SET last_run_id = %(run)s,"
        "  expected = EXCLUDED.expected, actual = EXCLUDED.actual, detail = EXCLUDED.detail"
        " RETURNING first_run_id = %(run)s AS is_new",
        {"run": run_id, **found},
    ).fetchone()
    return row is not None and bool(row["is_new"])


def counts_of_run(connection: Connection, run_id: int) -> tuple[dict[str, int], int]:
    """Return the pending items that a run saw by category, and how many of them are new."""
    rows = connection.execute(
        "SELECT category, count(*) AS number,"
        " count(*) FILTER (WHERE first_run_id = %(run)s) AS new FROM reconciliation_items"
        " WHERE last_run_id = %(run)s AND state = 'pending' GROUP BY category ORDER BY category",
        {"run": run_id},
    ).fetchall()
    return {row["category"]: row["number"] for row in rows}, sum(row["new"] for row in rows)


def close_vanished(
    connection: Connection, run_id: int, first_day: date, last_day: date, kind: str
) -> int:
    """Resolve pending items of whole days in a window that the run no longer saw."""
    return connection.execute(
        "UPDATE reconciliation_items SET state = 'resolved', resolved_at = now(),"
        " resolver = 'system:reconcile', notes = 'no longer found by run ' || %(run)s"
        " WHERE state = 'pending' AND last_run_id <> %(run)s AND day BETWEEN %(first)s AND %(last)s"
        " AND (category = 'ledger_check') = (%(kind)s = 'ledger')",
        {"run": run_id, "first": first_day, "last": last_day, "kind": kind},
    ).rowcount
