"""Reads of customers."""

from ledger.core.context import Context
from ledger.core.people import User
from ledger.db import users
from ledger.db.engine import Database


def find(database: Database, msisdn: str) -> User | None:
    """Return the customer behind a stored-form number, whatever the status."""
    return database.call(lambda connection: users.find_by_msisdn(connection, msisdn))


def get(database: Database, context: Context, user_id: int) -> User | None:
    """Return a customer by id, if the context may see them."""
    with database.transaction(context) as connection:
        return users.get(connection, user_id)
