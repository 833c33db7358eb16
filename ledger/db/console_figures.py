"""SQL of the figures that operators watch: small sums over indexed rows."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from ledger.db.engine import Connection


@dataclass(frozen=True, slots=True)
class OpenPayments:
    """How many payments of a kind are in a state without a verdict, and the oldest of them."""

    kind: str
    state: str
    number: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class FloatFigure:
    """What one of our M-Pesa accounts held at the last reading; cents."""

    shortcode: str
    account: str
    cents: int


def payments(connection: Connection) -> list[OpenPayments]:
    """Return payments without a verdict by kind and state."""
    with connection.cursor(row_factory=class_row(OpenPayments)) as cursor:
        return cursor.execute(
            "SELECT kind, state, count(*) AS number, min(created_at) AS oldest FROM payments"
            " WHERE state IN ('created', 'submitting', 'pending', 'unknown') GROUP BY kind, state"
        ).fetchall()


def floats(connection: Connection) -> list[FloatFigure]:
    """Return the newest reading of each account of each shortcode."""
    with connection.cursor(row_factory=class_row(FloatFigure)) as cursor:
        return cursor.execute(
            "SELECT f.shortcode, part.account, part.cents FROM ("
            "  SELECT DISTINCT ON (shortcode) * FROM float_readings WHERE state = 'read'"
            "  ORDER BY shortcode, asked_at DESC) AS f"
            " CROSS JOIN LATERAL (VALUES ('working', f.working), ('utility', f.utility))"
            "  AS part (account, cents) WHERE part.cents IS NOT NULL"
        ).fetchall()


def callbacks(connection: Connection) -> dict[str, int]:
    """Return how many bodies wait or were set aside."""
    rows = connection.execute(
        "SELECT state, count(*) AS number FROM mpesa_callbacks"
        " WHERE state IN ('received', 'quarantined', 'unreadable') GROUP BY state"
    )
    return {"received": 0, **{row["state"]: row["number"] for row in rows}}


def mismatches(connection: Connection) -> dict[str, int]:
    """Return how many mismatches wait for a decision, by category."""
    rows = connection.execute(
        "SELECT category, count(*) AS number FROM reconciliation_items"
        " WHERE state = 'pending' GROUP BY category"
    )
    return {row["category"]: row["number"] for row in rows}


def last_runs(connection: Connection) -> dict[str, datetime]:
    """Return when the last run of each kind that could read everything ended."""
    rows = connection.execute(
        "SELECT kind, max(finished_at) AS ended FROM reconciliation_runs"
        " WHERE state IN ('completed', 'warning') GROUP BY kind"
    )
    return {row["kind"]: row["ended"] for row in rows}


def payout_pauses(connection: Connection) -> list[str]:
    """Return why payouts are stopped now."""
    rows = connection.execute("SELECT reason FROM payout_pauses WHERE resumed_at IS NULL")
    return [row["reason"] for row in rows]
