"""Staff: made by an operator, let in by password and second factor."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import argon2

from ledger.commands.api_access import digest
from ledger.core.access import (
    STAFF_LOCK_DURATION,
    STAFF_PASSWORD_LENGTH_MIN,
    STAFF_TRIES_MAX,
    AccessCode,
    AccessRefusal,
    Role,
)
from ledger.core.context import Context
from ledger.db import audit, staff
from ledger.db.engine import Connection, Database
from ledger.db.staff import ConsoleVisitor, StaffRow
from ledger.totp import TotpSealer, matching_step

CONSOLE_IDLE_MAX = timedelta(minutes=20)
CONSOLE_AGE_MAX = timedelta(hours=10)

_CONTEXT = Context.of_system("staff")
_hasher = argon2.PasswordHasher()
# Checked when the address is unknown, so that both answers take the same time.
# (Written out: hashing it would cost every process 0.1 s at its start.)
_NOBODYS_HASH = (
    "$argon2id$v=19$m=65536,t=3,p=4$LAQGe0U8HMSP/bYfmXUPOQ"
    "$wjXmGXbnuojwOPm4CjiSm0Gzjud5N/z0SF/ZIGssxbE"
)


class StaffError(Exception):
    """An operator asked for something that can't be: the text says what to do."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A member of staff whose password was right."""

    admin_id: int
    email: str
    has_second_factor: bool


def create(database: Database, email: str, password: str, roles: list[Role]) -> int:
    """Create a member of staff with roles; returns the id. Raises StaffError."""
    if len(password) < STAFF_PASSWORD_LENGTH_MIN:
        raise StaffError(f"the password needs at least {STAFF_PASSWORD_LENGTH_MIN} characters")
    password_hash = _hasher.hash(password)

    def work(connection: Connection) -> int:
        admin_id = staff.insert(connection, email.lower(), password_hash)
        if admin_id is None:
            raise StaffError(f"{email} exists already; use grant, password or enable")
        for role in roles:
            staff.add_role(connection, admin_id, role, _CONTEXT.actor)
        audit.record(
            connection, "staff.created", "admin", admin_id, new={"email": email, "roles": roles}
        )
        return admin_id

    return database.run(_CONTEXT, work)


def grant(database: Database, email: str, role: Role) -> None:
    """Give a role. Raises StaffError when nobody has the address."""
    _change(
        database,
        email,
        "staff.role_granted",
        {"role": role},
        lambda connection, admin_id: staff.add_role(connection, admin_id, role, _CONTEXT.actor),
    )


def revoke(database: Database, email: str, role: Role) -> None:
    """Take a role away. Raises StaffError when nobody has the address."""
    _change(
        database,
        email,
        "staff.role_revoked",
        {"role": role},
        lambda connection, admin_id: staff.drop_role(connection, admin_id, role),
    )


def set_password(database: Database, email: str, password: str) -> None:
    """Replace a password, lift a lock and end all sessions. Raises StaffError."""
    if len(password) < STAFF_PASSWORD_LENGTH_MIN:
        raise StaffError(f"the password needs at least {STAFF_PASSWORD_LENGTH_MIN} characters")
    password_hash = _hasher.hash(password)

    def change(connection: Connection, admin_id: int) -> None:
        staff.store_password(connection, admin_id, password_hash)
        staff.end_all_sessions(connection, admin_id)

    _change(database, email, "staff.password_changed", {}, change)


def forget_second_factor(database: Database, email: str) -> None:
    """Let a member of staff enrol a new second factor at the next sign-in."""

    def change(connection: Connection, admin_id: int) -> None:
        staff.clear_totp(connection, admin_id)
        staff.end_all_sessions(connection, admin_id)

    _change(database, email, "staff.second_factor_forgotten", {}, change)


def set_status(database: Database, email: str, status: str) -> None:
    """Set a member of staff ``active`` or ``disabled``; disabling ends all sessions."""

    def change(connection: Connection, admin_id: int) -> None:
        staff.store_status(connection, admin_id, status)
        if status == "disabled":
            staff.end_all_sessions(connection, admin_id)

    _change(database, email, f"staff.{status}", {"status": status}, change)


def _change(
    database: Database,
    email: str,
    action: str,
    values: dict[str, object],
    change: Callable[[Connection, int], object],
) -> None:
    def work(connection: Connection) -> None:
        member = staff.take_by_email(connection, email.lower())
        if member is None:
            raise StaffError(f"nobody has the address {email}")
        change(connection, member.id)
        audit.record(connection, action, "admin", member.id, new=values)

    database.run(_CONTEXT, work)


def check_password(database: Database, email: str, password: str) -> SignedIn | AccessRefusal:
    """Check a password. Five wrong tries, second factors included, lock for a quarter of an hour.

    The try is counted before the slow hash runs; a right code of the second factor, or its
    enrolment, clears the counter.
    """
    now = datetime.now(UTC)

    def take_try(connection: Connection) -> StaffRow | AccessRefusal | None:
        member = staff.take_by_email(connection, email.lower())
        if member is None:
            return None
        if member.locked_until is not None and now < member.locked_until:
            return AccessRefusal(AccessCode.STAFF_LOCKED)
        if member.failures >= STAFF_TRIES_MAX:
            staff.store_failures(connection, member.id, 0, now + STAFF_LOCK_DURATION)
            audit.record(connection, "staff.locked", "admin", member.id)
            return AccessRefusal(AccessCode.STAFF_LOCKED)
        staff.store_failures(connection, member.id, member.failures + 1, None)
        return member

    member = database.run(_CONTEXT, take_try)
    if isinstance(member, AccessRefusal):
        return member
    try:
        _hasher.verify(member.password_hash if member else _NOBODYS_HASH, password)
    except argon2.exceptions.VerifyMismatchError:
        return AccessRefusal(AccessCode.CREDENTIALS_WRONG)
    if member is None or member.status != "active":
        return AccessRefusal(AccessCode.CREDENTIALS_WRONG)
    return SignedIn(member.id, member.email, member.totp_enrolled_at is not None)


def check_second_factor(
    database: Database, sealer: TotpSealer, admin_id: int, code: str
) -> AccessRefusal | None:
    """Check a code of the second factor; each works once."""

    def work(connection: Connection) -> AccessRefusal | None:
        member = staff.take(connection, admin_id)
        if member is None or member.totp_sealed is None or member.totp_enrolled_at is None:
            return AccessRefusal(AccessCode.TOTP_NOT_ENROLLED)
        step = matching_step(sealer.open(member.totp_sealed), code)
        if step is None or step <= member.totp_last_step:
            return AccessRefusal(AccessCode.TOTP_WRONG)
        staff.store_totp_step(connection, admin_id, step)
        audit.record(connection, "staff.signed_in", "admin", admin_id)
        return None

    return database.run(_CONTEXT, work)


def enrol_second_factor(
    database: Database, sealer: TotpSealer, admin_id: int, secret: str, code: str
) -> AccessRefusal | None:
    """Enrol a second factor, proved by its first code; refused when one is enrolled already."""

    def work(connection: Connection) -> AccessRefusal | None:
        member = staff.take(connection, admin_id)
        if member is None or member.totp_enrolled_at is not None:
            return AccessRefusal(AccessCode.CREDENTIALS_WRONG)
        step = matching_step(secret, code)
        if step is None:
            return AccessRefusal(AccessCode.TOTP_WRONG)
        staff.store_totp(connection, admin_id, sealer.seal(secret), step)
        staff.store_failures(connection, admin_id, 0, None)
        audit.record(connection, "staff.second_factor_enrolled", "admin", admin_id)
        return None

    return database.run(_CONTEXT, work)


def open_console_session(database: Database, admin_id: int) -> str:
    """Open a console session of a member of staff who proved both factors; returns its token."""
    token = secrets.token_urlsafe(32)
    database.run(
        _CONTEXT,
        lambda connection: staff.insert_console_session(connection, admin_id, digest(token)),
    )
    return token


def see_console_session(database: Database, token: str) -> ConsoleVisitor | None:
    """Return who acts in a console session; None when it ended, idled or grew old."""
    return database.run(
        _CONTEXT,
        lambda connection: staff.see_console_session(
            connection, digest(token), idle_max=CONSOLE_IDLE_MAX, age_max=CONSOLE_AGE_MAX
        ),
    )


def end_console_session(database: Database, token: str) -> None:
    """End a console session at its owner's wish."""
    database.run(_CONTEXT, lambda connection: staff.end_console_session(connection, digest(token)))
