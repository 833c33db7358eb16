"""SQL of the outbox's sending side: claiming rows, recording outcomes, pausing a channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from psycopg.rows import class_row

from ledger.db.engine import Connection

LEASE_SECONDS = 120
"""A row whose worker died is taken again after this long; a slow batch must end before."""
_PROBE_LEASE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Due:
    """A claimed message. ``attempts`` counts this try and tells a late worker's from ours."""

    id: int
    user_id: int | None
    recipient: str
    template: str
    language: str
    params: dict[str, Any]
    attempts: int
    opted_out: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Tried:
    """What one try made of a row."""

    id: int
    attempts: int
    state: str
    provider_id: str | None = None
    provider_status: str | None = None
    failure_reason: str | None = None
    cost_text: str | None = None
    wait_seconds: float | None = None
    tries_given_back: int = 0


class Permission(StrEnum):
    """Whether a channel may send now."""

    OPEN = "open"
    PROBE = "probe"
    """The channel failed lately: this caller alone may try one message."""
    PAUSED = "paused"


_CLAIM = """
    WITH due AS (
        SELECT id FROM outbox
        WHERE state IN ('queued', 'sending') AND channel = %(channel)s AND due_at <= now()
        ORDER BY due_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE outbox AS o SET state = 'sending', attempts = o.attempts + 1,
            due_at = now() + make_interval(secs => %(lease)s)
        FROM due WHERE o.id = due.id
        RETURNING o.id, o.user_id, o.recipient, o.template, o.language, o.params, o.attempts,
            o.created_at
    )
    SELECT c.*, CASE WHEN u.id IS NULL THEN o.msisdn IS NOT NULL
        ELSE u.sms_opted_out_at IS NOT NULL END AS opted_out
    FROM claimed AS c LEFT JOIN users AS u ON u.msisdn = c.recipient
    LEFT JOIN sms_opt_outs AS o ON o.msisdn = c.recipient
    ORDER BY c.id
"""


def claim(connection: Connection, channel: str, limit: int) -> list[Due]:
    """Take up to ``limit`` due rows for sending, oldest first, under a lease."""
    with connection.cursor(row_factory=class_row(Due)) as cursor:
        return cursor.execute(
            _CLAIM, {"channel": channel, "limit": limit, "lease": LEASE_SECONDS}
        ).fetchall()


_RECORD = """
    UPDATE outbox AS o SET state = r.state,
        due_at = CASE WHEN r.state = 'queued' THEN now() + make_interval(secs => r.wait_seconds)
            ELSE o.due_at END,
        attempts = o.attempts - r.tries_given_back,
        provider_id = coalesce(r.provider_id, o.provider_id),
        provider_status = coalesce(r.provider_status, o.provider_status),
        failure_reason = r.failure_reason,
        cost_text = coalesce(r.cost_text, o.cost_text),
        sent_at = CASE WHEN r.state = 'sent' THEN now() ELSE o.sent_at END,
        settled_at = CASE WHEN r.state IN ('failed', 'opted_out') THEN now() END
    FROM unnest(%s::bigint[], %s::integer[], %s::text[], %s::text[], %s::text[], %s::text[],
        %s::text[], %s::double precision[], %s::integer[])
        AS r (id, attempts, state, provider_id, provider_status, failure_reason, cost_text,
            wait_seconds, tries_given_back)
    WHERE o.id = r.id AND o.state = 'sending' AND o.attempts = r.attempts
"""


def record(connection: Connection, tried: Sequence[Tried]) -> None:
    """Write outcomes. A row that another worker took over meanwhile keeps that one's."""
    connection.execute(
        _RECORD,
        (
            [row.id for row in tried],
            [row.attempts for row in tried],
            [row.state for row in tried],
            [row.provider_id for row in tried],
            [row.provider_status for row in tried],
            [row.failure_reason for row in tried],
            [row.cost_text for row in tried],
            [row.wait_seconds for row in tried],
            [row.tries_given_back for row in tried],
        ),
    )


def permission(connection: Connection, channel: str) -> Permission:
    """Ask whether a channel may send; of all askers after a pause only one may probe."""
    probe = connection.execute(
        "UPDATE outbox_channels SET paused_until = now() + make_interval(secs => %s)"
        " WHERE channel = %s AND failures > 0 AND paused_until <= now() RETURNING channel",
        (_PROBE_LEASE_SECONDS, channel),
    ).fetchone()
    if probe is not None:
        return Permission.PROBE
    row = connection.execute(
        "SELECT failures FROM outbox_channels WHERE channel = %s", (channel,)
    ).fetchone()
    return Permission.OPEN if row is None or row["failures"] == 0 else Permission.PAUSED


def give_probe_back(connection: Connection, channel: str) -> None:
    """Let the next asker probe at once: there was nothing to try."""
    connection.execute(
        "UPDATE outbox_channels SET paused_until = now() WHERE channel = %s AND failures > 0",
        (channel,),
    )


def failures(connection: Connection, channel: str) -> int:
    """Return how often in a row a channel failed; locks its row for ``pause``."""
    row = connection.execute(
        "SELECT failures FROM outbox_channels WHERE channel = %s FOR UPDATE", (channel,)
    ).fetchone()
    return 0 if row is None else int(row["failures"])


def pause(connection: Connection, channel: str, reason: str, seconds: int) -> bool:
    """Stop a channel for a while; tell whether this begins a stop for that reason."""
    row = connection.execute(
        "SELECT reason FROM outbox_channels WHERE channel = %s", (channel,)
    ).fetchone()
    connection.execute(
        "UPDATE outbox_channels SET failures = failures + 1, reason = %s,"
        " since = CASE WHEN failures = 0 THEN now() ELSE since END,"
        " paused_until = now() + make_interval(secs => %s) WHERE channel = %s",
        (reason, seconds, channel),
    )
    return row is None or row["reason"] != reason


def resume(connection: Connection, channel: str) -> None:
    """Let a channel send freely again."""
    connection.execute(
        "UPDATE outbox_channels SET failures = 0, reason = NULL, since = NULL, paused_until = NULL"
        " WHERE channel = %s AND failures > 0",
        (channel,),
    )


def mark_opted_out(connection: Connection, msisdn: str) -> int | None:
    """Note that a number refuses our SMS; return its customer's id when that is new.

    A number without a customer is kept apart, which needs a system's context. Who joins later
    starts anew: whoever accepts the terms wants receipts.
    """
    connection.execute(
        "INSERT INTO sms_opt_outs (msisdn) SELECT %(number)s WHERE NOT EXISTS"
        " (SELECT FROM users WHERE msisdn = %(number)s) ON CONFLICT DO NOTHING",
        {"number": msisdn},
    )
    row = connection.execute(
        "UPDATE users SET sms_opted_out_at = now() WHERE msisdn = %s AND sms_opted_out_at IS NULL"
        " RETURNING id",
        (msisdn,),
    ).fetchone()
    return None if row is None else int(row["id"])


def mark_opted_in(connection: Connection, msisdn: str) -> int | None:
    """Note that a number takes our SMS again, whoever marked it; return a customer's id if new."""
    connection.execute("DELETE FROM sms_opt_outs WHERE msisdn = %s", (msisdn,))
    row = connection.execute(
        "UPDATE users SET sms_opted_out_at = NULL WHERE msisdn = %s"
        " AND sms_opted_out_at IS NOT NULL RETURNING id",
        (msisdn,),
    ).fetchone()
    return None if row is None else int(row["id"])
