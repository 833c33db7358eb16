"""Receipts again, for whoever deleted or never got one."""

from ledger.core.context import Context
from ledger.core.plans import Message
from ledger.db import messaging, outbox, users
from ledger.db.engine import Connection, Database


def resend_last(database: Database, context: Context, user_id: int) -> bool:
    """Queue a customer's newest receipt once more, word for word; False when there is none."""

    def work(connection: Connection) -> bool:
        user = users.get(connection, user_id)
        found = messaging.find_receipt(connection, user_id, None)
        if user is None or found is None:
            return False
        template, params = found
        outbox.put(connection, Message(user_id, user.msisdn, user.language, template, params))
        return True

    outbox.fill(database)
    return database.run(context, work)
