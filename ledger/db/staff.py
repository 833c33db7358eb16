"""SQL of staff: admins, their roles and their console sessions."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from ledger.db.engine import Connection


@dataclass(frozen=True, slots=True)
class StaffRow:
    """A member of staff as stored."""

    id: int
    email: str
    password_hash: str
    status: str
    totp_sealed: str | None
    totp_enrolled_at: datetime | None
    totp_last_step: int
    failures: int
    locked_until: datetime | None
    roles: list[str]


_STAFF = """
    SELECT a.id, a.email, a.password_hash, a.status, a.totp_sealed, a.totp_enrolled_at,
        a.totp_last_step, a.failures, a.locked_until,
        ARRAY(SELECT r.role FROM admin_roles AS r WHERE r.admin_id = a.id ORDER BY r.role) AS roles
    FROM admins AS a
"""


def take_by_email(connection: Connection, email: str) -> StaffRow | None:
    """Lock and return a member of staff by mail address."""
    with connection.cursor(row_factory=class_row(StaffRow)) as cursor:
        return cursor.execute(_STAFF + " WHERE a.email = %s FOR UPDATE", (email,)).fetchone()


def take(connection: Connection, admin_id: int) -> StaffRow | None:
    """Lock and return a member of staff."""
    with connection.cursor(row_factory=class_row(StaffRow)) as cursor:
        return cursor.execute(_STAFF + " WHERE a.id = %s FOR UPDATE", (admin_id,)).fetchone()


def list_all(connection: Connection) -> list[StaffRow]:
    """Return all members of staff by mail address."""
    with connection.cursor(row_factory=class_row(StaffRow)) as cursor:
        return cursor.execute(_STAFF + " ORDER BY a.email").fetchall()


def insert(connection: Connection, email: str, password_hash: str) -> int | None:
    """Insert a member of staff; None when the address is taken."""
    row = connection.execute(
        "INSERT INTO admins (email, password_hash) VALUES (%s, %s)"
        " ON CONFLICT (email) DO NOTHING RETURNING id",
        (email, password_hash),
    ).fetchone()
    return None if row is None else row["id"]


def add_role(connection: Connection, admin_id: int, role: str, granted_by: str) -> bool:
    """Give a role; False when it was there."""
    return (
        connection.execute(
            "INSERT INTO admin_roles (admin_id, role, granted_by) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            (admin_id, role, granted_by),
        ).rowcount
        == 1
    )


def drop_role(connection: Connection, admin_id: int, role: str) -> bool:
    """Take a role away; False when it was not there."""
    return (
        connection.execute(
            "DELETE FROM admin_roles WHERE admin_id = %s AND role = %s", (admin_id, role)
        ).rowcount
        == 1
    )


def roles(connection: Connection, admin_id: int) -> list[str]:
    """Return the roles of a member of staff who may act, else none."""
    return [
        row["role"]
        for row in connection.execute(
            "SELECT r.role FROM admin_roles AS r JOIN admins AS a ON a.id = r.admin_id"
            " WHERE r.admin_id = %s AND a.status = 'active'",
            (admin_id,),
        )
    ]


def store_failures(
    connection: Connection, admin_id: int, failures: int, locked_until: datetime | None
) -> None:
    """Write the counters of wrong tries."""
    connection.execute(
        "UPDATE admins SET failures = %s, locked_until = %s WHERE id = %s",
        (failures, locked_until, admin_id),
    )


def store_password(connection: Connection, admin_id: int, password_hash: str) -> None:
    """Replace a password and clear the counters."""
    connection.execute(
        "UPDATE admins SET password_hash = %s, failures = 0, locked_until = NULL WHERE id = %s",
        (password_hash, admin_id),
    )


def store_status(connection: Connection, admin_id: int, status: str) -> None:
    """Write whether a member of staff may act: ``active`` or ``disabled``."""
    connection.execute("UPDATE admins SET status = %s WHERE id = %s", (status, admin_id))


def store_totp(connection: Connection, admin_id: int, sealed: str, step: int) -> None:
    """Enrol a second factor, proved by the code of a time step."""
    connection.execute(
        "UPDATE admins SET totp_sealed = %s, totp_enrolled_at = now(), totp_last_step = %s"
        " WHERE id = %s",
        (sealed, step, admin_id),
    )


def clear_totp(connection: Connection, admin_id: int) -> None:
    """Forget a second factor; the next sign-in enrols a new one."""
    connection.execute(
        "UPDATE admins SET totp_sealed = NULL, totp_enrolled_at = NULL WHERE id = %s", (admin_id,)
    )


def store_totp_step(connection: Connection, admin_id: int, step: int) -> None:
    """Note the newest time step used, so that a code works once; clear the counters."""
    connection.execute(
        "UPDATE admins SET totp_last_step = %s, failures = 0, locked_until = NULL WHERE id = %s",
        (step, admin_id),
    )


def insert_console_session(connection: Connection, admin_id: int, token_digest: bytes) -> None:
    """Open a console session."""
    connection.execute(
        "INSERT INTO console_sessions (token_digest, admin_id) VALUES (%s, %s)",
        (token_digest, admin_id),
    )


@dataclass(frozen=True, slots=True)
class ConsoleVisitor:
    """Who acts in the console."""

    admin_id: int
    email: str
    roles: list[str]


def see_console_session(
    connection: Connection, token_digest: bytes, *, idle_max: timedelta, age_max: timedelta
) -> ConsoleVisitor | None:
    """Return the visitor of a live console session and note that it was used just now."""
    with connection.cursor(row_factory=class_row(ConsoleVisitor)) as cursor:
        return cursor.execute(
            "UPDATE console_sessions AS s SET seen_at = now() FROM admins AS a"
            " WHERE s.token_digest = %s AND s.ended_at IS NULL AND a.id = s.admin_id"
            " AND a.status = 'active' AND s.seen_at > now() - %s AND s.created_at > now() - %s"
            " RETURNING a.id AS admin_id, a.email,"
            " ARRAY(SELECT r.role FROM admin_roles AS r WHERE r.admin_id = a.id) AS roles",
            (token_digest, idle_max, age_max),
        ).fetchone()


def end_console_session(connection: Connection, token_digest: bytes) -> None:
    """End a console session."""
    connection.execute(
        "UPDATE console_sessions SET ended_at = now() WHERE token_digest = %s AND ended_at IS NULL",
        (token_digest,),
    )


def end_all_sessions(connection: Connection, admin_id: int) -> None:
    """End every console and API session of a member of staff."""
    connection.execute(
        "UPDATE console_sessions SET ended_at = now() WHERE admin_id = %s AND ended_at IS NULL",
        (admin_id,),
    )
    connection.execute(
        "UPDATE api_sessions SET revoked_at = now(), revoked_because = 'ended by an operator'"
        " WHERE admin_id = %s AND revoked_at IS NULL",
        (admin_id,),
    )
