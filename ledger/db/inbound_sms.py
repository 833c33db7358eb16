"""SQL of the texts that customers send: stored before they are understood, acted on once."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from ledger.db.engine import Connection

LEASE_SECONDS = 60
ATTEMPTS_MAX = 5
HOURLY_COMMANDS_MAX = 20


@dataclass(frozen=True, slots=True)
class NewText:
    """A text as it arrived, without what looks like a PIN."""

    provider_id: str
    sender: str
    recipient: str
    body: str
    network_code: str
    sent_at: datetime | None
    held_pin: bool


@dataclass(frozen=True, slots=True)
class Text:
    """A claimed text. ``texts_this_hour`` counts the sender's, this one included."""

    id: int
    provider_id: str
    sender: str
    body: str
    held_pin: bool
    attempts: int
    texts_this_hour: int


def store(connection: Connection, text: NewText) -> bool:
    """Keep a text under the provider's id; False when it came before."""
    row = connection.execute(
        "INSERT INTO inbound_sms (provider_id, sender, recipient, body, network_code, sent_at,"
        " held_pin) VALUES (%s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (provider_id) DO NOTHING RETURNING id",
        (
            text.provider_id,
            text.sender,
            text.recipient,
            text.body,
            text.network_code,
            text.sent_at,
            text.held_pin,
        ),
    ).fetchone()
    return row is not None


_CLAIM = """
    WITH next AS (
        SELECT id FROM inbound_sms WHERE state = 'received' AND due_at <= now()
        ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE inbound_sms AS s SET attempts = s.attempts + 1,
        due_at = now() + make_interval(secs => %s * (s.attempts + 1))
    FROM next WHERE s.id = next.id
    RETURNING s.id, s.provider_id, s.sender, s.body, s.held_pin, s.attempts,
        (SELECT count(*) FROM inbound_sms AS e WHERE e.sender = s.sender AND e.id <= s.id
            AND e.received_at > s.received_at - interval '1 hour') AS texts_this_hour
"""


def claim(connection: Connection) -> Text | None:
    """Take the oldest waiting text under a lease, or None when none waits."""
    with connection.cursor(row_factory=class_row(Text)) as cursor:
        return cursor.execute(_CLAIM, (LEASE_SECONDS,)).fetchone()


def settle(connection: Connection, text_id: int, state: str, verdict: str) -> bool:
    """Close a text as processed, ignored or failed; False when another worker did."""
    return (
        connection.execute(
            "UPDATE inbound_sms SET state = %s, verdict = %s, processed_at = now()"
            " WHERE id = %s AND state = 'received'",
            (state, verdict[:60], text_id),
        ).rowcount
        == 1
    )
