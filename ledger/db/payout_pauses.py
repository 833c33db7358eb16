"""SQL of stops of payouts."""

from typing import Any

from ledger.db.engine import Connection


def open_reasons(connection: Connection) -> list[str]:
    """Return the reasons of the stops in force."""
    rows = connection.execute(
        "SELECT reason FROM payout_pauses WHERE resumed_at IS NULL ORDER BY id"
    ).fetchall()
    return [row["reason"] for row in rows]


def open_rows(connection: Connection) -> list[dict[str, Any]]:
    """Return the stops in force, oldest first."""
    return connection.execute(
        "SELECT id, reason, result_code, payment_id, paused_at FROM payout_pauses"
        " WHERE resumed_at IS NULL ORDER BY id"
    ).fetchall()


def insert(connection: Connection, reason: str, result_code: str, payment_id: int) -> bool:
    """Add a stop; False when one for the same reason is in force."""
    row = connection.execute(
        "INSERT INTO payout_pauses (reason, result_code, payment_id) VALUES (%s, %s, %s)"
        " ON CONFLICT (reason) WHERE resumed_at IS NULL DO NOTHING RETURNING id",
        (reason, result_code, payment_id),
    ).fetchone()
    return row is not None


def close(connection: Connection, pause_id: int, resumed_by: str) -> bool:
    """End one stop; False when it is not in force."""
    cursor = connection.execute(
        "UPDATE payout_pauses SET resumed_at = now(), resumed_by = %s"
        " WHERE id = %s AND resumed_at IS NULL",
        (resumed_by, pause_id),
    )
    return cursor.rowcount == 1


def close_reason(connection: Connection, reason: str, resumed_by: str) -> bool:
    """End the stop for a reason; False when there is none."""
    cursor = connection.execute(
        "UPDATE payout_pauses SET resumed_at = now(), resumed_by = %s"
        " WHERE reason = %s AND resumed_at IS NULL",
        (resumed_by, reason),
    )
    return cursor.rowcount == 1


def mark_alarmed(connection: Connection) -> list[dict[str, Any]]:
    """Return the stops that nobody was written to about, once."""
    return connection.execute(
        "UPDATE payout_pauses SET alarmed_at = now() WHERE alarmed_at IS NULL"
        " RETURNING reason, result_code, payment_id"
    ).fetchall()
