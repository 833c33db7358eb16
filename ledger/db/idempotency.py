"""SQL of keyed requests: a key is reserved first, its answer stored after the work."""

from dataclasses import dataclass
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ledger.db.engine import Connection


@dataclass(frozen=True, slots=True)
class Reservation:
    """What stands under a key. ``response_status`` is None until the work has answered."""

    request_digest: bytes
    response_status: int | None
    response: dict[str, Any] | None


def reserve(connection: Connection, user_id: int, key: str, request_digest: bytes) -> Reservation:
    """Claim a customer's key for a request, or return what stands under it already."""
    connection.execute(
        "INSERT INTO idempotency_keys (user_id, key, request_digest) VALUES (%s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (user_id, key, request_digest),
    )
    return _read(connection, user_id, key)


def settle(
    connection: Connection, user_id: int, key: str, status: int, response: dict[str, Any]
) -> Reservation:
    """Store the answer of a key's request unless there is one; return the one that stands."""
    connection.execute(
        "UPDATE idempotency_keys SET response_status = %s, response = %s"
        " WHERE user_id = %s AND key = %s AND response_status IS NULL",
        (status, Jsonb(response), user_id, key),
    )
    return _read(connection, user_id, key)


def _read(connection: Connection, user_id: int, key: str) -> Reservation:
    with connection.cursor(row_factory=class_row(Reservation)) as cursor:
        found = cursor.execute(
            "SELECT request_digest, response_status, response FROM idempotency_keys"
            " WHERE user_id = %s AND key = %s",
            (user_id, key),
        ).fetchone()
    assert found is not None
    return found
