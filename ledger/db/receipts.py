"""SQL of receipts that were sent."""

from typing import Any

from ledger.db.engine import Connection


def last_of(connection: Connection, user_id: int) -> tuple[str, str, dict[str, Any]] | None:
    """Return language, template and values of a customer's newest receipt by SMS."""
    row = connection.execute(
        "SELECT language, template, params FROM outbox WHERE user_id = %s AND channel = 'sms'"
        " AND transaction_id IS NOT NULL AND retry_of IS NULL ORDER BY id DESC LIMIT 1",
        (user_id,),
    ).fetchone()
    return None if row is None else (row["language"], row["template"], row["params"])
