"""SQL of forgotten PINs: tries to prove who one is, and start PINs given."""

from datetime import datetime

from ledger.db.engine import Connection


def lock_customer(connection: Connection, user_id: int) -> None:
    """Let one try of a customer at a time be judged, until the transaction ends."""
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('pin-resets', %s))", (user_id,)
    )


def count_since(connection: Connection, user_id: int, since: datetime, *, identified: bool) -> int:
    """Return how many tries of one outcome a customer has made since a moment."""
    row = connection.execute(
        "SELECT count(*) AS tries FROM pin_resets"
        " WHERE user_id = %s AND created_at >= %s AND identified = %s",
        (user_id, since, identified),
    ).fetchone()
    assert row is not None
    tries: int = row["tries"]
    return tries


def insert(connection: Connection, user_id: int, expires_at: datetime | None) -> None:
    """Note a try: with the end of its start PIN when it was right, None when it was wrong."""
    connection.execute(
        "INSERT INTO pin_resets (user_id, identified, expires_at) VALUES (%s, %s, %s)",
        (user_id, expires_at is not None, expires_at),
    )


def newest_expiry(connection: Connection, user_id: int) -> datetime | None:
    """Return when the newest start PIN of a customer ends, or None without one."""
    row = connection.execute(
        "SELECT max(expires_at) AS expires_at FROM pin_resets WHERE user_id = %s", (user_id,)
    ).fetchone()
    return None if row is None else row["expires_at"]
