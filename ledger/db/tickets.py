"""SQL of complaints."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from ledger.db.engine import Connection


@dataclass(frozen=True, slots=True)
class Ticket:
    """A customer's complaint; ``receipt`` names the movement it is about, if any."""

    id: int
    number: str
    user_id: int
    receipt: str | None
    body: str
    state: str
    created_at: datetime
    closed_at: datetime | None
    closed_by: str | None


_TICKET = (
    "SELECT id, number, user_id, receipt, body, state, created_at, closed_at, closed_by"
    " FROM tickets"
)


def insert(
    connection: Connection,
    *,
    number: str,
    user_id: int,
    receipt: str | None,
    body: str,
    source: str,
    reference: str,
) -> tuple[Ticket, bool]:
    """Insert a ticket, or find the one of the same (source, reference); True when it is new."""
    row = connection.execute(
        "INSERT INTO tickets (number, user_id, receipt, body, source, reference)"
        " VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (source, reference) DO NOTHING RETURNING id",
        (number, user_id, receipt, body, source, reference),
    ).fetchone()
    with connection.cursor(row_factory=class_row(Ticket)) as cursor:
        found = cursor.execute(
            _TICKET + " WHERE source = %s AND reference = %s", (source, reference)
        ).fetchone()
    assert found is not None
    return found, row is not None


def count_since(connection: Connection, user_id: int, since: datetime) -> int:
    """Return how many tickets a customer has opened since a moment."""
    row = connection.execute(
        "SELECT count(*) AS opened FROM tickets WHERE user_id = %s AND created_at >= %s",
        (user_id, since),
    ).fetchone()
    assert row is not None
    opened: int = row["opened"]
    return opened


def list_in(connection: Connection, state: str, limit: int) -> list[Ticket]:
    """Return tickets in a state: what waits oldest first, what is closed newest first."""
    order = "id" if state == "open" else "closed_at DESC, id DESC"
    with connection.cursor(row_factory=class_row(Ticket)) as cursor:
        query = f"{_TICKET} WHERE state = %s ORDER BY {order} LIMIT %s"
        return cursor.execute(query.encode(), (state, limit)).fetchall()


def find(connection: Connection, number: str) -> Ticket | None:
    """Return a ticket by its number."""
    with connection.cursor(row_factory=class_row(Ticket)) as cursor:
        return cursor.execute(_TICKET + " WHERE number = %s", (number,)).fetchone()


def take_open(connection: Connection, number: str) -> Ticket | None:
    """Lock and return an open ticket; None when there is no such open one."""
    with connection.cursor(row_factory=class_row(Ticket)) as cursor:
        return cursor.execute(
            _TICKET + " WHERE number = %s AND state = 'open' FOR UPDATE", (number,)
        ).fetchone()


def close(connection: Connection, number: str, closed_by: str) -> Ticket | None:
    """Close an open ticket and return it; None when there is no such open one."""
    with connection.cursor(row_factory=class_row(Ticket)) as cursor:
        return cursor.execute(
            "UPDATE tickets SET state = 'closed', closed_at = now(), closed_by = %s"
            " WHERE number = %s AND state = 'open'"
            " RETURNING id, number, user_id, receipt, body, state, created_at, closed_at,"
            " closed_by",
            (closed_by, number),
        ).fetchone()
