"""Support sends a message again; each time is audited."""

from dataclasses import dataclass

from ledger.core.context import Context
from ledger.db import audit, outbox_support
from ledger.db.engine import Connection, Database


@dataclass(frozen=True, slots=True)
class SentAgain:
    """What came of asking: the row that will go out, or None with the reason."""

    message_id: int | None
    reason: str = ""


def send_again(database: Database, context: Context, message_id: int) -> SentAgain:
    """Hurry a waiting message, or queue a failed one as a new row with the same words."""

    def work(connection: Connection) -> SentAgain:
        row = outbox_support.get(connection, message_id)
        if row is None:
            return SentAgain(None, "there is no such message")
        if outbox_support.hurry(connection, message_id):
            audit.record(connection, "message.hurried", "outbox", message_id)
            return SentAgain(message_id)
        again = outbox_support.send_again(connection, message_id)
        if again is None:
            return SentAgain(None, _why_not(row))
        audit.record(connection, "message.sent_again", "outbox", message_id, new={"row": again})
        return SentAgain(again)

    return database.run(context, work)


def _why_not(row: outbox_support.OutboxRow) -> str:
    if row.retried_by is not None:
        return f"it was sent again as {row.retried_by}"
    return f"it is {row.state}"
