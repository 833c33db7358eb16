"""SQL of the outbox for people: what waits, what failed and why, and sending it again."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from psycopg.rows import class_row

from ledger.db.engine import Connection


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A message as support sees it; its values are left out."""

    id: int
    channel: str
    recipient: str
    template: str
    language: str
    state: str
    attempts: int
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None
    provider_id: str | None
    provider_status: str | None
    failure_reason: str | None
    cost_text: str | None
    retry_of: int | None
    retried_by: int | None


_ROWS = """
    SELECT o.id, o.channel, o.recipient, o.template, o.language, o.state, o.attempts, o.created_at,
        o.due_at, o.sent_at, o.settled_at, o.provider_id, o.provider_status, o.failure_reason,
        o.cost_text, o.retry_of, again.id AS retried_by
    FROM outbox AS o LEFT JOIN outbox AS again ON again.retry_of = o.id
"""


def newest(
    connection: Connection, *, state: str | None, recipient: str | None, limit: int
) -> list[OutboxRow]:
    """Return messages, newest first, of one state or to one recipient if given."""
    with connection.cursor(row_factory=class_row(OutboxRow)) as cursor:
        return cursor.execute(
            _ROWS + " WHERE (%(state)s::text IS NULL OR o.state = %(state)s)"
            " AND (%(recipient)s::text IS NULL OR o.recipient = %(recipient)s)"
            " ORDER BY o.id DESC LIMIT %(limit)s",
            {"state": state, "recipient": recipient, "limit": limit},
        ).fetchall()


def get(connection: Connection, message_id: int) -> OutboxRow | None:
    """Return one message."""
    with connection.cursor(row_factory=class_row(OutboxRow)) as cursor:
        return cursor.execute(_ROWS + " WHERE o.id = %s", (message_id,)).fetchone()


def hurry(connection: Connection, message_id: int) -> bool:
    """Make a waiting message due now; False when it is not waiting."""
    return (
        connection.execute(
            "UPDATE outbox SET due_at = now() WHERE id = %s AND state = 'queued'", (message_id,)
        ).rowcount
        == 1
    )


def send_again(connection: Connection, message_id: int) -> int | None:
    """Queue a failed message once more as a new row; None when it did not fail or was retried."""
    row = connection.execute(
        "INSERT INTO outbox (channel, user_id, recipient, template, language, params,"
        " transaction_id, payment_id, retry_of) SELECT channel, user_id, recipient, template,"
        " language, params, transaction_id, payment_id, id FROM outbox"
        " WHERE id = %s AND state = 'failed' ON CONFLICT DO NOTHING RETURNING id",
        (message_id,),
    ).fetchone()
    return None if row is None else int(row["id"])


def failed_ids(connection: Connection, limit: int) -> list[int]:
    """Return failed messages that nobody has tried again, oldest first."""
    rows = connection.execute(
        "SELECT o.id FROM outbox AS o WHERE o.state = 'failed' AND NOT EXISTS"
        " (SELECT FROM outbox AS again WHERE again.retry_of = o.id) ORDER BY o.id LIMIT %s",
        (limit,),
    ).fetchall()
    return [row["id"] for row in rows]


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """A channel's queue now, and what it did in the last day. Cost in shillings."""

    channel: str
    waiting: int
    oldest_seconds: float
    paused_reason: str | None
    states_of_day: dict[str, int]
    cost_of_day: Decimal


_FIGURES = """
    SELECT c.channel, c.reason AS paused_reason, coalesce(w.waiting, 0) AS waiting,
        coalesce(extract(epoch FROM now() - w.oldest), 0)::double precision AS oldest_seconds,
        coalesce(d.states, '{}') AS states_of_day, coalesce(d.cost, 0) AS cost_of_day
    FROM outbox_channels AS c
    LEFT JOIN (
        SELECT channel, count(*) AS waiting, min(created_at) AS oldest FROM outbox
        WHERE state IN ('queued', 'sending') AND due_at <= now() + interval '5 minutes'
        GROUP BY channel) AS w USING (channel)
    LEFT JOIN (
        SELECT channel, jsonb_object_agg(state, messages) AS states, sum(cost) AS cost
        FROM (
            SELECT channel, state, count(*) AS messages,
                sum(substring(cost_text FROM '([0-9]+(?:\\.[0-9]+)?)$')::numeric) AS cost
            FROM outbox WHERE created_at > now() - interval '1 day'
            GROUP BY channel, state) AS by_state
        GROUP BY channel) AS d USING (channel)
    ORDER BY c.channel
"""


def figures(connection: Connection) -> list[ChannelFigures]:
    """Return each channel's figures. What waits on purpose for later is not counted as waiting."""
    with connection.cursor(row_factory=class_row(ChannelFigures)) as cursor:
        return cursor.execute(_FIGURES).fetchall()
