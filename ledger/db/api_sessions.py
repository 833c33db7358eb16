"""SQL of the API's devices, sessions and refresh tokens. Only digests of tokens are stored."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from ledger.db.engine import Connection


def insert_device(connection: Connection, user_id: int, token_digest: bytes) -> int:
    """Register a device of a customer; returns its id."""
    row = connection.execute(
        "INSERT INTO api_devices (user_id, token_digest) VALUES (%s, %s) RETURNING id",
        (user_id, token_digest),
    ).fetchone()
    assert row is not None
    device_id: int = row["id"]
    return device_id


def use_device(connection: Connection, user_id: int, token_digest: bytes) -> int | None:
    """Return a customer's device by its token's digest, noting the use; None when unknown."""
    row = connection.execute(
        "UPDATE api_devices SET last_used_at = now()"
        " WHERE token_digest = %s AND user_id = %s AND revoked_at IS NULL RETURNING id",
        (token_digest, user_id),
    ).fetchone()
    return None if row is None else row["id"]


def insert_session(
    connection: Connection,
    *,
    user_id: int | None = None,
    admin_id: int | None = None,
    device_id: int | None = None,
) -> int:
    """Open a session, the family of its refresh tokens; returns its id."""
    row = connection.execute(
        "INSERT INTO api_sessions (user_id, admin_id, device_id) VALUES (%s, %s, %s) RETURNING id",
        (user_id, admin_id, device_id),
    ).fetchone()
    assert row is not None
    session_id: int = row["id"]
    return session_id


def insert_refresh_token(
    connection: Connection, session_id: int, token_digest: bytes, expires_at: datetime
) -> None:
    """Store a session's newest refresh token."""
    connection.execute(
        "INSERT INTO api_refresh_tokens (token_digest, session_id, expires_at) VALUES (%s, %s, %s)",
        (token_digest, session_id, expires_at),
    )


@dataclass(frozen=True, slots=True)
class RefreshRow:
    """A refresh token with its session."""

    session_id: int
    user_id: int | None
    admin_id: int | None
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


def take_refresh_token(connection: Connection, token_digest: bytes) -> RefreshRow | None:
    """Lock and return a refresh token as it was, and mark it used."""
    with connection.cursor(row_factory=class_row(RefreshRow)) as cursor:
        found = cursor.execute(
            "SELECT t.session_id, s.user_id, s.admin_id, t.expires_at, t.used_at, s.revoked_at"
            " FROM api_refresh_tokens AS t JOIN api_sessions AS s ON s.id = t.session_id"
            " WHERE t.token_digest = %s FOR UPDATE",
            (token_digest,),
        ).fetchone()
    if found is not None and found.used_at is None:
        connection.execute(
            "UPDATE api_refresh_tokens SET used_at = now() WHERE token_digest = %s",
            (token_digest,),
        )
    return found


def revoke_session(connection: Connection, session_id: int, because: str) -> bool:
    """End a session; False when it had ended before."""
    return (
        connection.execute(
            "UPDATE api_sessions SET revoked_at = now(), revoked_because = %s"
            " WHERE id = %s AND revoked_at IS NULL",
            (because, session_id),
        ).rowcount
        == 1
    )


def live_customer(connection: Connection, session_id: int) -> int | None:
    """Return the customer of a session that may still act, else None."""
    row = connection.execute(
        "SELECT s.user_id FROM api_sessions AS s JOIN users AS u ON u.id = s.user_id"
        " WHERE s.id = %s AND s.revoked_at IS NULL AND u.status = 'active'",
        (session_id,),
    ).fetchone()
    return None if row is None else row["user_id"]


def live_admin(connection: Connection, session_id: int) -> int | None:
    """Return the member of staff of a session that may still act, else None."""
    row = connection.execute(
        "SELECT s.admin_id FROM api_sessions AS s JOIN admins AS a ON a.id = s.admin_id"
        " WHERE s.id = %s AND s.revoked_at IS NULL AND a.status = 'active'",
        (session_id,),
    ).fetchone()
    return None if row is None else row["admin_id"]
