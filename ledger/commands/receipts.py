"""Receipts again, for whoever deleted or never got one."""

from ledger.core.context import Context
from ledger.core.plans import Message
from ledger.db import outbox, receipts, users
from ledger.db.engine import Connection, Database


def resend_last(database: Database, context: Context, user_id: int) -> bool:
    """Queue a customer's newest receipt once more, word for word; False when there is none."""

    def work(connection: Connection) -> bool:
        user = users.get(connection, user_id)
        found = receipts.last_of(connection, user_id)
        if user is None or found is None:
            return False
        language, template, params = found
        outbox.put(connection, Message(user_id, user.msisdn, language, template, params))
        return True

    return database.run(context, work)
