"""Reads of staff."""

from dataclasses import dataclass

from ledger.core.access import Role
from ledger.core.context import Context
from ledger.db import staff
from ledger.db.engine import Database

_CONTEXT = Context.of_system("staff")


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A member of staff, without anything secret."""

    id: int
    email: str
    status: str
    roles: tuple[str, ...]
    has_second_factor: bool


def roles(database: Database, admin_id: int) -> frozenset[Role]:
    """Return what a member of staff may do now; nothing when disabled."""
    with database.transaction(_CONTEXT) as connection:
        return frozenset(Role(name) for name in staff.roles(connection, admin_id))


def everyone(database: Database) -> list[StaffMember]:
    """Return all members of staff by mail address."""
    with database.transaction(_CONTEXT) as connection:
        return [
            StaffMember(
                row.id, row.email, row.status, tuple(row.roles), row.totp_enrolled_at is not None
            )
            for row in staff.list_all(connection)
        ]
