"""SQL of the outbox's writing side: messages that commit with their cause."""

from datetime import datetime

from psycopg.types.json import Jsonb

from ledger.core.plans import Message
from ledger.db.engine import Connection, Database

_FILL_BATCH = 1_000


def fill(database: Database) -> None:
    """Take in the messages of postings, which wait beside it; every reader does so before.

    In transactions of its own: another one that fills waits until they end.
    """
    taken = _FILL_BATCH
    while taken == _FILL_BATCH:
        taken = database.call(_fill_some)


def _fill_some(connection: Connection) -> int:
    row = connection.execute("SELECT public.fill_outbox(%s) AS n", (_FILL_BATCH,)).fetchone()
    assert row is not None
    taken: int = row["n"]
    return taken


def hurry(connection: Connection, user_id: int, template: str) -> bool:
    """Let a customer's message that waits for its time go now; False when none waits."""
    waiting = connection.execute(
        "UPDATE outbox SET due_at = now() WHERE user_id = %s AND template = %s"
        " AND state = 'queued' AND due_at > now()",
        (user_id, template),
    )
    return waiting.rowcount > 0


def put(
    connection: Connection,
    message: Message,
    *,
    payment_id: int | None = None,
    due_at: datetime | None = None,
) -> int:
    """Queue a message that goes with no posting; returns its id.

    Messages that go with a posting travel in its plan instead.
    """
    row = connection.execute(
        "INSERT INTO outbox (channel, user_id, recipient, template, language, params, payment_id,"
        " due_at) VALUES (%s, %s, %s, %s, %s, %s, %s, coalesce(%s, now())) RETURNING id",
        (
            message.channel,
            message.user_id,
            message.recipient,
            message.template,
            message.language,
            Jsonb(dict(message.params)),
            payment_id,
            due_at,
        ),
    ).fetchone()
    assert row is not None
    message_id: int = row["id"]
    return message_id
