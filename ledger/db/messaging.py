"""SQL of how a customer wants to be reached: SMS, e-mail, balance by SMS; and old receipts."""

from typing import Any

from ledger.db.engine import Connection


def store_sms_balance(connection: Connection, user_id: int, *, enrolled: bool) -> None:
    """Write whether a customer gets the balance by SMS without a PIN."""
    connection.execute(
        "UPDATE users SET sms_balance_enrolled = %s WHERE id = %s", (enrolled, user_id)
    )


def store_email_pending(connection: Connection, user_id: int, address: str) -> None:
    """Write an address that its owner has yet to confirm; a confirmed one stays until then."""
    connection.execute("UPDATE users SET email_pending = %s WHERE id = %s", (address, user_id))


def confirm_email(connection: Connection, user_id: int) -> None:
    """Make the pending address the customer's."""
    connection.execute(
        "UPDATE users SET email = email_pending, email_pending = NULL, email_confirmed_at = now()"
        " WHERE id = %s AND email_pending IS NOT NULL",
        (user_id,),
    )


def find_receipt(
    connection: Connection, user_id: int, receipt: str | None
) -> tuple[str, dict[str, Any]] | None:
    """Return template and values of a customer's receipt: by its reference, or the latest."""
    row = connection.execute(
        "SELECT template, params FROM outbox WHERE user_id = %(user)s AND channel = 'sms'"
        " AND transaction_id IS NOT NULL AND retry_of IS NULL"
        " AND (%(receipt)s::text IS NULL OR params ->> 'receipt' = %(receipt)s)"
        " ORDER BY created_at DESC, id DESC LIMIT 1",
        {"user": user_id, "receipt": receipt},
    ).fetchone()
    return None if row is None else (row["template"], row["params"])
