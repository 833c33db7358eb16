"""SQL of one-time codes."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from ledger.db.engine import Connection


@dataclass(frozen=True, slots=True)
class CodeRow:
    """The newest code of a number for a purpose."""

    id: int
    nonce: bytes
    wrong_tries: int
    expires_at: datetime
    used_at: datetime | None


def insert(
    connection: Connection, msisdn: str, purpose: str, nonce: bytes, expires_at: datetime
) -> None:
    """Store a code; codes of the number that are a day old go away with it."""
    connection.execute(
        "DELETE FROM one_time_codes WHERE msisdn = %s AND created_at < now() - interval '1 day'",
        (msisdn,),
    )
    connection.execute(
        "INSERT INTO one_time_codes (msisdn, purpose, nonce, expires_at) VALUES (%s, %s, %s, %s)",
        (msisdn, purpose, nonce, expires_at),
    )


def count_since(connection: Connection, msisdn: str, since: datetime) -> int:
    """Return how many codes a number asked for since a moment.

    Takes a lock on the number for the rest of the transaction, so that twins count each other.
    """
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('cycle.one_time_codes:' || %s, 0))",
        (msisdn,),
    )
    row = connection.execute(
        "SELECT count(*) AS number FROM one_time_codes WHERE msisdn = %s AND created_at >= %s",
        (msisdn, since),
    ).fetchone()
    assert row is not None
    number: int = row["number"]
    return number


def take_newest(connection: Connection, msisdn: str, purpose: str) -> CodeRow | None:
    """Lock and return the newest code of a number for a purpose; older ones no longer count."""
    with connection.cursor(row_factory=class_row(CodeRow)) as cursor:
        return cursor.execute(
            "SELECT id, nonce, wrong_tries, expires_at, used_at FROM one_time_codes"
            " WHERE msisdn = %s AND purpose = %s ORDER BY id DESC LIMIT 1 FOR UPDATE",
            (msisdn, purpose),
        ).fetchone()


def count_wrong_try(connection: Connection, code_id: int) -> None:
    """Count one more wrong try against a code."""
    connection.execute(
        "UPDATE one_time_codes SET wrong_tries = wrong_tries + 1 WHERE id = %s", (code_id,)
    )


def mark_used(connection: Connection, msisdn: str, purpose: str) -> bool:
    """Use up the newest code of a number; False when another request was faster."""
    return (
        connection.execute(
            "UPDATE one_time_codes SET used_at = now() WHERE used_at IS NULL AND id ="
            " (SELECT max(id) FROM one_time_codes WHERE msisdn = %s AND purpose = %s)",
            (msisdn, purpose),
        ).rowcount
        == 1
    )
