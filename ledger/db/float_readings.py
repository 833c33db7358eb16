"""SQL of float readings: one row a question, filled when the answer comes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from ledger.core.float_balances import FloatBalances
from ledger.db.engine import Connection

_COLUMNS = (
    "id, shortcode, asked_at, read_at, working, utility, charges_paid, ledger_cash, state, failure"
)


@dataclass(frozen=True, slots=True)
class FloatReading:
    """One question about our float and its answer; cents."""

    id: int
    shortcode: str
    asked_at: datetime
    read_at: datetime | None
    working: int | None
    utility: int | None
    charges_paid: int | None
    ledger_cash: int | None
    state: str
    failure: str | None


def insert(connection: Connection, shortcode: str, token: str) -> int:
    """Note that a question is about to be asked; returns the reading's id."""
    row = connection.execute(
        "INSERT INTO float_readings (shortcode, token) VALUES (%s, %s) RETURNING id",
        (shortcode, token),
    ).fetchone()
    assert row is not None
    reading_id: int = row["id"]
    return reading_id


def asked_within(connection: Connection, shortcode: str, span: timedelta) -> bool:
    """Tell whether a shortcode was asked about in a recent span."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM float_readings WHERE shortcode = %s AND asked_at > now() - %s"
        " AND state <> 'failed') AS found",
        (shortcode, span),
    ).fetchone()
    return row is not None and bool(row["found"])


def shortcode_of(connection: Connection, token: str) -> str | None:
    """Return which shortcode a question was about, or None when it was never asked."""
    row = connection.execute(
        "SELECT shortcode FROM float_readings WHERE token = %s", (token,)
    ).fetchone()
    return None if row is None else str(row["shortcode"])


def fill(connection: Connection, token: str, balances: FloatBalances, ledger_cash: int) -> bool:
    """Write an answer; False when the question is answered already or was never asked."""
    cursor = connection.execute(
        "UPDATE float_readings SET state = 'read', read_at = now(), working = %s, utility = %s,"
        " charges_paid = %s, ledger_cash = %s WHERE token = %s AND state <> 'read'",
        (balances.working, balances.utility, balances.charges_paid, ledger_cash, token),
    )
    return cursor.rowcount == 1


def fail(connection: Connection, token: str, failure: str) -> None:
    """Write that a question got no figures."""
    connection.execute(
        "UPDATE float_readings SET state = 'failed', failure = %s WHERE token = %s"
        " AND state = 'asked'",
        (failure, token),
    )


def newest(connection: Connection, shortcode: str, limit: int) -> list[FloatReading]:
    """Return the newest answered readings of a shortcode."""
    with connection.cursor(row_factory=class_row(FloatReading)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM float_readings"  # noqa: S608  # constants only
            " WHERE shortcode = %s AND state = 'read' ORDER BY asked_at DESC LIMIT %s",
            (shortcode, limit),
        ).fetchall()
