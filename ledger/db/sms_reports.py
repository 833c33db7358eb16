"""SQL of delivery reports: stored as they come, applied to the outbox when it knows them."""

from dataclasses import dataclass

from ledger.db.engine import Connection

RETRY_AFTER_MINUTES = 30
_APPLY_MAX = 500
_UNMATCHED_HOURS = 24


@dataclass(frozen=True, slots=True)
class Report:
    """One delivery report. ``final_state`` is None while the message is on its way."""

    provider_id: str
    status: str
    failure_reason: str
    network_code: str
    final_state: str | None


@dataclass(frozen=True, slots=True)
class Applied:
    """How many reports one call used, and the numbers whose owners refuse our SMS."""

    reports: int
    opted_out: tuple[str, ...]


def store(connection: Connection, report: Report) -> None:
    """Keep a report; one that came before changes nothing."""
    connection.execute(
        "INSERT INTO sms_reports (provider_id, status, failure_reason, network_code, final_state)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (
            report.provider_id,
            report.status,
            report.failure_reason,
            report.network_code,
            report.final_state,
        ),
    )


# Of several reports about a message the first final one counts. Only a sent message moves, and
# only once; a receipt that failed is queued once more as a new row.
_APPLY = """
    WITH waiting AS (
        SELECT r.id, r.provider_id, r.status, r.failure_reason, r.final_state, o.id AS outbox_id
        FROM sms_reports AS r JOIN outbox AS o ON o.provider_id = r.provider_id
        WHERE r.applied_at IS NULL
        ORDER BY r.id LIMIT %(limit)s FOR UPDATE OF r SKIP LOCKED
    ), telling AS (
        SELECT DISTINCT ON (outbox_id) * FROM waiting
        ORDER BY outbox_id, (final_state IS NULL),
            CASE WHEN final_state IS NULL THEN -id ELSE id END
    ), moved AS (
        UPDATE outbox AS o SET provider_status = t.status,
            state = coalesce(t.final_state, o.state),
            failure_reason = CASE WHEN t.final_state IN ('failed', 'opted_out')
                THEN concat_ws(' ', t.status, nullif(t.failure_reason, ''))
                ELSE o.failure_reason END,
            settled_at = CASE WHEN t.final_state IS NULL THEN o.settled_at ELSE now() END
        FROM telling AS t WHERE o.id = t.outbox_id AND o.state = 'sent'
        RETURNING o.*
    ), again AS (
        INSERT INTO outbox (channel, user_id, recipient, template, language, params,
            transaction_id, payment_id, retry_of, due_at)
        SELECT channel, user_id, recipient, template, language, params, transaction_id, payment_id,
            id, now() + make_interval(mins => %(minutes)s)
        FROM moved
        WHERE state = 'failed' AND retry_of IS NULL
            AND (transaction_id IS NOT NULL OR payment_id IS NOT NULL)
        ON CONFLICT DO NOTHING
    ), used AS (
        UPDATE sms_reports SET applied_at = now() WHERE id IN (SELECT id FROM waiting)
        RETURNING id
    )
    SELECT (SELECT count(*) FROM used) AS reports,
        (SELECT array_agg(recipient) FROM moved WHERE state = 'opted_out') AS opted_out
"""


def apply_waiting(connection: Connection) -> Applied:
    """Move the messages that waiting reports are about."""
    row = connection.execute(
        _APPLY, {"limit": _APPLY_MAX, "minutes": RETRY_AFTER_MINUTES}
    ).fetchone()
    assert row is not None
    return Applied(row["reports"], tuple(row["opted_out"] or ()))


def close_unmatched(connection: Connection) -> int:
    """Stop waiting for the messages of day-old reports; return how many there were."""
    return connection.execute(
        "UPDATE sms_reports SET applied_at = now() WHERE applied_at IS NULL"
        " AND received_at < now() - make_interval(hours => %s)",
        (_UNMATCHED_HOURS,),
    ).rowcount
