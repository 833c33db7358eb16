"""Reads of complaints, for support."""

from ledger.core.context import Context
from ledger.db import tickets
from ledger.db.engine import Database
from ledger.db.tickets import Ticket


def open_tickets(database: Database, context: Context) -> list[Ticket]:
    """Return what waits for support, oldest first."""
    with database.transaction(context) as connection:
        return tickets.list_open(connection)
