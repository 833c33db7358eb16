"""SQL of requests for money between customers."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from ledger.db.engine import Connection


@dataclass(frozen=True, slots=True)
class MoneyRequest:
    """One customer's request to another, in cents. ``state`` is open, paid or declined."""

    id: int
    requester_id: int
    payer_id: int
    amount: int
    state: str
    created_at: datetime
    expires_at: datetime
    transaction_id: int | None

    def is_open(self, now: datetime) -> bool:
        """Tell whether the payer may still answer."""
        return self.state == "open" and now < self.expires_at


_REQUEST = (
    "SELECT id, requester_id, payer_id, amount, state, created_at, expires_at, transaction_id"
    " FROM money_requests"
)


def insert(
    connection: Connection,
    *,
    requester_id: int,
    payer_id: int,
    amount: int,
    expires_at: datetime,
    source: str,
    reference: str,
) -> int | None:
    """Insert a request; None when the same (source, reference) asked before."""
    row = connection.execute(
        "INSERT INTO money_requests (requester_id, payer_id, amount, expires_at, source, reference)"
        " VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (source, reference) DO NOTHING RETURNING id",
        (requester_id, payer_id, amount, expires_at, source, reference),
    ).fetchone()
    return None if row is None else row["id"]


def count_since(connection: Connection, requester_id: int, since: datetime) -> int:
    """Return how often a customer has asked for money since a moment."""
    row = connection.execute(
        "SELECT count(*) AS asked FROM money_requests WHERE requester_id = %s AND created_at >= %s",
        (requester_id, since),
    ).fetchone()
    assert row is not None
    asked: int = row["asked"]
    return asked


def take(connection: Connection, request_id: int) -> MoneyRequest | None:
    """Lock a request and return it, if the context may see it."""
    with connection.cursor(row_factory=class_row(MoneyRequest)) as cursor:
        return cursor.execute(_REQUEST + " WHERE id = %s FOR UPDATE", (request_id,)).fetchone()


def get(connection: Connection, request_id: int) -> MoneyRequest | None:
    """Return a request, if the context may see it."""
    with connection.cursor(row_factory=class_row(MoneyRequest)) as cursor:
        return cursor.execute(_REQUEST + " WHERE id = %s", (request_id,)).fetchone()


def open_for(connection: Connection, payer_id: int, now: datetime) -> list[MoneyRequest]:
    """Return what a customer is asked for and has not answered, oldest first."""
    with connection.cursor(row_factory=class_row(MoneyRequest)) as cursor:
        return cursor.execute(
            _REQUEST + " WHERE payer_id = %s AND state = 'open' AND expires_at > %s ORDER BY id",
            (payer_id, now),
        ).fetchall()


def settle(connection: Connection, request_id: int, state: str, transaction_id: int | None) -> None:
    """Write a payer's answer."""
    connection.execute(
        "UPDATE money_requests SET state = %s, transaction_id = %s, settled_at = now()"
        " WHERE id = %s AND state = 'open'",
        (state, transaction_id, request_id),
    )
