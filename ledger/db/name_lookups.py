"""SQL of shown names: whom a customer looked up today, and whether a payment followed."""

from datetime import date

from ledger.db.engine import Connection


def is_known(connection: Connection, user_id: int, day: date, msisdn_hash: str) -> bool:
    """Tell whether a customer has seen what stands behind a number today already."""
    row = connection.execute(
        "SELECT 1 FROM name_lookups WHERE user_id = %s AND day = %s AND msisdn_hash = %s",
        (user_id, day, msisdn_hash),
    ).fetchone()
    return row is not None


def lock_customer(connection: Connection, user_id: int) -> None:
    """Let one look-up of a customer at a time be counted, until the transaction ends."""
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('name-lookups', %s))", (user_id,)
    )


def count_unpaid(connection: Connection, user_id: int, day: date) -> int:
    """Return how many names a customer was shown on a Nairobi day for nothing."""
    row = connection.execute(
        "SELECT count(*) AS unpaid FROM name_lookups WHERE user_id = %s AND day = %s AND NOT paid",
        (user_id, day),
    ).fetchone()
    assert row is not None
    unpaid: int = row["unpaid"]
    return unpaid


def insert(connection: Connection, user_id: int, day: date, msisdn_hash: str) -> None:
    """Note a look-up, and forget the customer's of earlier days."""
    connection.execute("DELETE FROM name_lookups WHERE user_id = %s AND day < %s", (user_id, day))
    connection.execute(
        "INSERT INTO name_lookups (user_id, day, msisdn_hash) VALUES (%s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (user_id, day, msisdn_hash),
    )


def mark_paid(connection: Connection, user_id: int, day: date, msisdn_hash: str) -> None:
    """Note that the payment followed."""
    connection.execute(
        "UPDATE name_lookups SET paid = true WHERE user_id = %s AND day = %s AND msisdn_hash = %s",
        (user_id, day, msisdn_hash),
    )
