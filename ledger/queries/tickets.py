"""Reads of complaints, for support."""

from dataclasses import dataclass

from ledger.core.context import Context
from ledger.core.people import User
from ledger.db import console, tickets, users
from ledger.db.console import AuditLine
from ledger.db.engine import Database
from ledger.db.tickets import Ticket

LISTED_MAX = 200


@dataclass(frozen=True, slots=True)
class TicketPage:
    """A ticket with its customer and what was done about it, oldest first."""

    ticket: Ticket
    user: User
    history: list[AuditLine]


def tickets_in(database: Database, context: Context, state: str) -> list[Ticket]:
    """Return tickets in a state: what waits oldest first, what is closed newest first."""
    with database.transaction(context) as connection:
        return tickets.list_in(connection, state, LISTED_MAX)


def ticket(database: Database, context: Context, number: str) -> TicketPage | None:
    """Return one ticket, or None."""
    with database.transaction(context) as connection:
        found = tickets.find(connection, number)
        user = None if found is None else users.get(connection, found.user_id)
        if found is None or user is None:
            return None
        return TicketPage(found, user, console.audit_of(connection, "ticket", found.id))
