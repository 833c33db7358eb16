"""SQL of the console's reads: today's figures, search, a customer's timeline, the audit trail."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row

from ledger.db.engine import Connection


@dataclass(frozen=True, slots=True)
class Volume:
    """How much moved by one kind of transaction; cents."""

    kind: str
    count: int
    amount: int


def volumes_since(connection: Connection, since: datetime) -> list[Volume]:
    """Return what moved since a moment, by kind."""
    with connection.cursor(row_factory=class_row(Volume)) as cursor:
        return cursor.execute(
            "SELECT t.kind, count(DISTINCT t.id) AS count, sum(p.amount)::bigint AS amount"
            " FROM postings AS p JOIN transactions AS t ON t.id = p.transaction_id"
            " WHERE p.posted_at >= %s AND p.direction = 'D' GROUP BY t.kind ORDER BY t.kind",
            (since,),
        ).fetchall()


def hourly_counts(connection: Connection, since: datetime) -> list[int]:
    """Return how many transactions were posted in each hour since a moment, oldest first."""
    return [
        row["number"]
        for row in connection.execute(
            "SELECT (SELECT count(*) FROM transactions AS t WHERE t.created_at >= hour"
            "  AND t.created_at < hour + interval '1 hour') AS number"
            " FROM generate_series(date_trunc('hour', %s::timestamptz), now(), '1 hour') AS hour"
            " ORDER BY hour",
            (since,),
        )
    ]


@dataclass(frozen=True, slots=True)
class Backlog:
    """A queue: how many wait, and since when the oldest does."""

    name: str
    waiting: int
    oldest: datetime | None


def backlogs(connection: Connection) -> list[Backlog]:
    """Return the queues that people must know about when they grow."""
    with connection.cursor(row_factory=class_row(Backlog)) as cursor:
        return cursor.execute(
            "SELECT 'Callbacks to process' AS name, count(*) AS waiting, min(received_at) AS oldest"
            "  FROM mpesa_callbacks WHERE state = 'received'"
            " UNION ALL SELECT 'Messages to send (' || c.channel || ')', count(o.id), min(o.due_at)"
            "  FROM (VALUES ('sms'), ('email')) AS c (channel) LEFT JOIN outbox AS o"
            "  ON o.channel = c.channel AND o.state IN ('queued', 'sending') AND o.due_at <= now()"
            "  GROUP BY c.channel"
            " UNION ALL SELECT 'Payments without a verdict', count(*), min(created_at)"
            "  FROM payments WHERE state IN ('created', 'submitting', 'pending', 'unknown')"
            " UNION ALL SELECT 'Bodies set aside', count(*), min(received_at)"
            "  FROM mpesa_callbacks WHERE state IN ('quarantined', 'unreadable')"
            " UNION ALL SELECT 'Complaints to answer', count(*), min(created_at)"
            "  FROM tickets WHERE state = 'open'"
            " UNION ALL SELECT 'Mismatches to resolve', count(*), min(found_at)"
            "  FROM reconciliation_items WHERE state = 'pending'"
        ).fetchall()


@dataclass(frozen=True, slots=True)
class FloatLine:
    """The newest reading of one of our shortcodes; cents."""

    shortcode: str
    read_at: datetime
    working: int | None
    utility: int | None
    ledger_cash: int | None


def newest_float(connection: Connection) -> list[FloatLine]:
    """Return the newest answered reading of each shortcode."""
    with connection.cursor(row_factory=class_row(FloatLine)) as cursor:
        return cursor.execute(
            "SELECT DISTINCT ON (shortcode) shortcode, read_at, working, utility, ledger_cash"
            " FROM float_readings WHERE state = 'read' ORDER BY shortcode, read_at DESC"
        ).fetchall()


def customers_of_reference(connection: Connection, reference: str) -> list[int]:
    """Return whose wallets a receipt of ours or of M-Pesa touched."""
    return [
        row["user_id"]
        for row in connection.execute(
            "SELECT a.user_id FROM transactions AS t JOIN postings AS p ON p.transaction_id = t.id"
            " JOIN accounts AS a ON a.id = p.account_id WHERE t.receipt = %(reference)s"
            "  AND a.user_id IS NOT NULL"
            " UNION SELECT user_id FROM payments WHERE user_id IS NOT NULL"
            "  AND (mpesa_receipt = %(reference)s OR account_reference = %(reference)s)"
            " ORDER BY 1 LIMIT 20",
            {"reference": reference},
        )
    ]


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a customer's timeline. ``amount`` is cents, below zero when money left."""

    at: datetime
    what: str
    detail: str
    state: str
    amount: int | None
    reference: str | None
    message_id: int | None


_TIMELINE = """
    SELECT * FROM (
        (SELECT p.posted_at AS at, t.kind AS what,
            coalesce(CASE p.direction WHEN 'C' THEN t.details #>> '{from,name}'
                ELSE t.details #>> '{to,name}' END, '') AS detail,
            'balance ' || to_char(p.balance_after / 100.0, 'FM999,999,990.00') AS state,
            CASE p.direction WHEN 'C' THEN p.amount ELSE -p.amount END AS amount,
            t.receipt AS reference, NULL::bigint AS message_id
        FROM postings AS p JOIN transactions AS t ON t.id = p.transaction_id
        WHERE p.account_id = %(account)s ORDER BY p.posted_at DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT y.created_at, 'payment: ' || y.kind, coalesce(y.result_text, ''), y.state, y.amount,
            coalesce(y.mpesa_receipt, y.account_reference), NULL
        FROM payments AS y WHERE y.user_id = %(user)s ORDER BY y.id DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT o.created_at, o.channel || ': ' || o.template,
            coalesce(o.failure_reason, o.provider_status, ''), o.state, NULL,
            o.params ->> 'receipt', o.id
        FROM outbox AS o WHERE o.user_id = %(user)s ORDER BY o.id DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT s.received_at, 'SMS from the customer', s.body, s.state, NULL, NULL, NULL
        FROM inbound_sms AS s WHERE s.sender = %(msisdn)s ORDER BY s.id DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT u.began_at, 'USSD session', u.network || ', ' || u.seconds || ' s: '
                || coalesce(nullif(array_to_string(u.screens, ' > '), ''), 'no screen'),
            u.outcome, NULL, NULL, NULL
        FROM ussd_sessions AS u WHERE u.user_id = %(user)s ORDER BY u.id DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT k.created_at, 'complaint', k.body || coalesce(' (' || k.receipt || ')', ''),
            k.state, NULL, k.number, NULL
        FROM tickets AS k WHERE k.user_id = %(user)s ORDER BY k.id DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT a.at, a.action, coalesce(a.new_values ->> 'why', ''), a.actor, NULL, NULL, NULL
        FROM audit_log AS a WHERE a.subject_type = 'user' AND a.subject_id = %(user)s
        ORDER BY a.id DESC LIMIT %(limit)s)
    ) AS happenings ORDER BY at DESC LIMIT %(limit)s
"""


def timeline(
    connection: Connection, user_id: int, account_id: int, msisdn: str, limit: int
) -> list[Happening]:
    """Return what happened to a customer lately: money, messages, sessions, actions."""
    with connection.cursor(row_factory=class_row(Happening)) as cursor:
        return cursor.execute(
            _TIMELINE.encode(),
            {"user": user_id, "account": account_id, "msisdn": msisdn, "limit": limit},
        ).fetchall()


def message_of_customer(
    connection: Connection, user_id: int, message_id: int
) -> dict[str, Any] | None:
    """Return a message that went to a customer, to send it again."""
    return connection.execute(
        "SELECT channel, recipient, template, language, params, transaction_id FROM outbox"
        " WHERE id = %s AND user_id = %s",
        (message_id, user_id),
    ).fetchone()


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """A payment as the list shows it; cents."""

    id: int
    kind: str
    state: str
    user_id: int | None
    msisdn: str | None
    amount: int
    fee: int
    mpesa_receipt: str | None
    account_reference: str
    result_text: str | None
    review_reason: str | None
    suspense_reason: str | None
    suspense_resolution: str | None
    payer_name: str | None
    due_at: datetime | None
    created_at: datetime


_PAYMENTS = (
    "SELECT id, kind, state, user_id, msisdn, amount, fee, mpesa_receipt, account_reference,"
    " result_text, review_reason, suspense_reason, suspense_resolution, payer_name, due_at,"
    " created_at FROM payments "
)


def payments_in(
    connection: Connection, state: str, before_id: int, limit: int
) -> list[PaymentLine]:
    """Return the newest payments in a state older than an id; ``review``: for people."""
    condition = (
        "review_reason IS NOT NULL AND id < %s" if state == "review" else "state = %s AND id < %s"
    )
    values: tuple[object, ...] = (before_id,) if state == "review" else (state, before_id)
    with connection.cursor(row_factory=class_row(PaymentLine)) as cursor:
        query = f"{_PAYMENTS} WHERE {condition} ORDER BY id DESC LIMIT %s"
        return cursor.execute(query.encode(), (*values, limit)).fetchall()


def in_suspense(connection: Connection, limit: int) -> list[PaymentLine]:
    """Return money in suspense that waits for a person, oldest first."""
    with connection.cursor(row_factory=class_row(PaymentLine)) as cursor:
        return cursor.execute(
            _PAYMENTS + "WHERE suspense_reason IS NOT NULL AND suspense_resolution IS NULL"
            " ORDER BY id LIMIT %s",
            (limit,),
        ).fetchall()


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One row of the audit trail."""

    id: int
    at: datetime
    actor: str
    channel: str
    action: str
    subject_type: str
    subject_id: int | None
    old_values: dict[str, Any] | None
    new_values: dict[str, Any] | None


def audit_trail(
    connection: Connection, *, before_id: int, actor: str | None, action: str | None, limit: int
) -> list[AuditLine]:
    """Return audit rows older than an id, newest first; postings are left to the ledger's pages."""
    with connection.cursor(row_factory=class_row(AuditLine)) as cursor:
        return cursor.execute(
            "SELECT id, at, actor, channel, action, subject_type, subject_id, old_values,"
            " new_values FROM audit_log WHERE id < %(before)s"
            " AND (%(actor)s::text IS NULL OR actor = %(actor)s)"
            " AND (%(action)s::text IS NULL OR action LIKE %(action)s || '%%')"
            " AND (%(action)s::text IS NOT NULL OR subject_type <> 'transaction')"
            " ORDER BY id DESC LIMIT %(limit)s",
            {"before": before_id, "actor": actor, "action": action, "limit": limit},
        ).fetchall()


def audit_of(connection: Connection, subject_type: str, subject_id: int) -> list[AuditLine]:
    """Return what was done to one subject, oldest first."""
    with connection.cursor(row_factory=class_row(AuditLine)) as cursor:
        return cursor.execute(
            "SELECT id, at, actor, channel, action, subject_type, subject_id, old_values,"
            " new_values FROM audit_log WHERE subject_type = %s AND subject_id = %s ORDER BY id",
            (subject_type, subject_id),
        ).fetchall()


@dataclass(frozen=True, slots=True)
class LimitLine:
    """One dated limit; cents."""

    kind: str
    valid_from: datetime
    minimum: int
    maximum: int
    daily: int
    set_by: str


@dataclass(frozen=True, slots=True)
class TariffLine:
    """One band of a dated tariff; cents."""

    kind: str
    valid_from: datetime
    up_to: int
    fee: int
    set_by: str


def limit_lines(connection: Connection) -> list[LimitLine]:
    """Return every limit ever set, newest first."""
    with connection.cursor(row_factory=class_row(LimitLine)) as cursor:
        return cursor.execute(
            "SELECT kind, valid_from, minimum, maximum, daily, set_by FROM limit_rules"
            " ORDER BY kind, valid_from DESC"
        ).fetchall()


def tariff_lines(connection: Connection) -> list[TariffLine]:
    """Return every tariff band ever set, newest first."""
    with connection.cursor(row_factory=class_row(TariffLine)) as cursor:
        return cursor.execute(
            "SELECT kind, valid_from, up_to, fee, set_by FROM tariff_bands"
            " ORDER BY kind, valid_from DESC, up_to"
        ).fetchall()
