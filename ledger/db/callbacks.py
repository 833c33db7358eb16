"""SQL of the inbox: everything that Daraja posts, stored before it is understood."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ledger.db.engine import Connection

_COLUMNS = (
    "id, kind, token, payment_id, body, headers, remote_address, state, verdict, attempts,"
    " received_at, processed_at, coalesce((SELECT p.kind FROM payments AS p WHERE p.token ="
    " mpesa_callbacks.token), (SELECT 'float' FROM float_readings AS f WHERE f.token ="
    " mpesa_callbacks.token)) AS subject"
)


@dataclass(frozen=True, slots=True)
class Callback:
    """One stored body. ``kind`` is the route's class, ``token`` the path's token or key.

    ``subject`` is what the token belongs to: a kind of payment, ``float``, or nothing.
    """

    id: int
    kind: str
    token: str
    payment_id: int | None
    body: bytes
    headers: dict[str, str]
    remote_address: str | None
    state: str
    verdict: str | None
    attempts: int
    received_at: datetime
    processed_at: datetime | None
    subject: str | None


@dataclass(frozen=True, slots=True)
class Received:
    """One body as it came in, redacted, with texts that PostgreSQL can hold."""

    kind: str
    token: str
    body: bytes
    headers: Mapping[str, str]
    remote_address: str | None


def store(connection: Connection, received: Sequence[Received]) -> None:
    """Keep redacted bodies; one statement, which needs no context."""
    connection.execute(
        "INSERT INTO mpesa_callbacks (kind, token, body, body_digest, headers, remote_address)"
        " SELECT * FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::bytea[], %s::jsonb[],"
        " %s::text[])",
        (
            [one.kind for one in received],
            [one.token for one in received],
            [one.body for one in received],
            [hashlib.sha256(one.body).digest() for one in received],
            [Jsonb(dict(one.headers)) for one in received],
            [one.remote_address for one in received],
        ),
    )


def store_answered(
    connection: Connection,
    received: Received,
    *,
    state: str,
    verdict: str,
    mpesa_receipt: str | None,
) -> None:
    """Keep a redacted body with the answer that it got at once; no job looks at it."""
    connection.execute(
        "INSERT INTO mpesa_callbacks (kind, token, body, body_digest, headers, remote_address,"
        " state, verdict, mpesa_receipt, processed_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp())",
        (
            received.kind,
            received.token,
            received.body,
            hashlib.sha256(received.body).digest(),
            Jsonb(dict(received.headers)),
            received.remote_address,
            state,
            verdict,
            mpesa_receipt,
        ),
    )


def announced(connection: Connection, mpesa_receipt: str) -> list[bytes]:
    """Return the bodies in which Daraja asked about a payment before it was made."""
    rows = connection.execute(
        "SELECT body FROM mpesa_callbacks"
        " WHERE kind = 'c2b_validate' AND mpesa_receipt = %s ORDER BY id",
        (mpesa_receipt,),
    ).fetchall()
    return [row["body"] for row in rows]


def lease(connection: Connection, limit: int, duration: timedelta) -> list[Callback]:
    """Return bodies that nobody has processed, oldest first; others see them after a while only."""
    with connection.cursor(row_factory=class_row(Callback)) as cursor:
        leased = cursor.execute(
            "UPDATE mpesa_callbacks SET due_at = now() + %s WHERE id IN ("  # noqa: S608  # constants
            " SELECT id FROM mpesa_callbacks WHERE state = 'received' AND due_at <= now()"
            " ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED)"
            f" RETURNING {_COLUMNS}",
            (duration, limit),
        ).fetchall()
    return sorted(leased, key=lambda callback: callback.id)


def take(connection: Connection, callback_id: int) -> bool:
    """Lock a waiting body; False when another worker has it or has done it."""
    row = connection.execute(
        "SELECT id FROM mpesa_callbacks WHERE id = %s AND state = 'received'"
        " FOR UPDATE SKIP LOCKED",
        (callback_id,),
    ).fetchone()
    return row is not None


def settle(
    connection: Connection,
    callback_id: int,
    *,
    state: str,
    verdict: str,
    payment_id: int | None,
) -> None:
    """Write what became of a body."""
    connection.execute(
        "UPDATE mpesa_callbacks SET state = %s, verdict = %s, payment_id = %s,"
        " processed_at = now(), attempts = attempts + 1 WHERE id = %s",
        (state, verdict, payment_id, callback_id),
    )


def wait_for_match(connection: Connection, callback_id: int, *, looks_max: int) -> bool:
    """Look at a body again later, further away each time; False after enough looks."""
    cursor = connection.execute(
        "UPDATE mpesa_callbacks SET attempts = attempts + 1,"
        " due_at = now() + make_interval(secs => 2 ^ (attempts + 1))"
        " WHERE id = %s AND attempts < %s",
        (callback_id, looks_max),
    )
    return cursor.rowcount == 1


def postpone(connection: Connection, callback_id: int, *, attempts_max: int) -> None:
    """Try a body again later, further away each time; after too many tries a person must look."""
    connection.execute(
        "UPDATE mpesa_callbacks SET attempts = attempts + 1,"
        " due_at = now() + make_interval(secs => 2 ^ (attempts + 1)),"
        " state = CASE WHEN attempts + 1 >= %s THEN 'quarantined' ELSE state END,"
        " verdict = CASE WHEN attempts + 1 >= %s THEN 'processing_failed' ELSE verdict END"
        " WHERE id = %s AND state = 'received'",
        (attempts_max, attempts_max, callback_id),
    )


def of_payment(connection: Connection, payment_id: int) -> list[Callback]:
    """Return everything that was posted about a payment, oldest first."""
    with connection.cursor(row_factory=class_row(Callback)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM mpesa_callbacks"  # noqa: S608  # constants only
            " WHERE payment_id = %s ORDER BY id",
            (payment_id,),
        ).fetchall()


def of_token(connection: Connection, token: str) -> list[Callback]:
    """Return everything that was posted under a path token, oldest first."""
    with connection.cursor(row_factory=class_row(Callback)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM mpesa_callbacks"  # noqa: S608  # constants only
            " WHERE token = %s ORDER BY id",
            (token,),
        ).fetchall()


def quarantined(connection: Connection, limit: int) -> list[Callback]:
    """Return bodies that fitted nothing or could not be read, newest first."""
    with connection.cursor(row_factory=class_row(Callback)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM mpesa_callbacks"  # noqa: S608  # constants only
            " WHERE state IN ('quarantined', 'unreadable') ORDER BY id DESC LIMIT %s",
            (limit,),
        ).fetchall()


def unprocessed_older_than(connection: Connection, age: timedelta) -> int:
    """Count bodies that have waited longer than an age."""
    row = connection.execute(
        "SELECT count(*) AS waiting FROM mpesa_callbacks"
        " WHERE state = 'received' AND received_at < now() - %s",
        (age,),
    ).fetchone()
    assert row is not None
    count: int = row["waiting"]
    return count
