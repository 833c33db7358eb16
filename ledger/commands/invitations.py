"""Inviting somebody who is not a customer yet."""

from ledger.core.context import Context
from ledger.core.plans import Message
from ledger.db import audit, outbox, users
from ledger.db.engine import Connection, Database


def invite(database: Database, context: Context, user_id: int, msisdn: str) -> None:
    """Text an invitation in the inviter's language, naming the inviter."""

    def work(connection: Connection) -> None:
        inviter = users.get(connection, user_id)
        assert inviter is not None
        message = Message(
            user_id=user_id,
            recipient=msisdn,
            language=inviter.language,
            template="invitation",
            params={"name": inviter.display_name},
        )
        outbox.put(connection, message)
        audit.record(connection, "invitation.sent", "user", user_id)

    database.run(context, work)
