"""SQL of the organisation's mail: its record, and the figures that go into it."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from psycopg.rows import tuple_row

from ledger.core.msisdn import mask_msisdn
from ledger.core.organisation import EarlierMail, MailKind, OpenPayment, Undelivered, Volume
from ledger.core.statements import Period
from ledger.db.engine import Connection

_SHOWN_MAX = 25
_OPEN_STATES = ("created", "submitting", "pending", "unknown")


class MailRow(NamedTuple):
    """One mail on record."""

    id: int
    kind: MailKind
    period: Period
    attempts: int


def installed_on(connection: Connection) -> date:
    """Return the Nairobi day on which the chart of accounts was made."""
    row = connection.execute(
        "SELECT (min(created_at) AT TIME ZONE 'Africa/Nairobi')::date AS day FROM accounts"
        " WHERE id < 1000"
    ).fetchone()
    assert row is not None
    day: date = row["day"]
    return day


def newest_mail(connection: Connection, kind: MailKind) -> date | None:
    """Return the first day of the newest mail of a kind that is on record."""
    row = connection.execute(
        "SELECT max(first_day) AS day FROM organisation_mails WHERE kind = %s", (kind,)
    ).fetchone()
    return None if row is None else row["day"]


def plan_mail(connection: Connection, kind: MailKind, period: Period) -> None:
    """Put a mail on record; one that is there stays as it is."""
    connection.execute(
        "INSERT INTO organisation_mails (kind, first_day, last_day) VALUES (%s, %s, %s)"
        " ON CONFLICT (kind, first_day) DO NOTHING",
        (kind, period.first_day, period.last_day),
    )


def claim_mail(connection: Connection, lease: timedelta) -> MailRow | None:
    """Take the oldest mail that is to be prepared; after the lease another worker may."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(
            "UPDATE organisation_mails SET state = 'preparing', attempts = attempts + 1,"
            " due_at = now() + %s WHERE id = (SELECT id FROM organisation_mails"
            " WHERE state IN ('queued', 'preparing') AND due_at <= now()"
            " ORDER BY last_day, kind LIMIT 1 FOR UPDATE SKIP LOCKED)"
            " RETURNING id, kind, first_day, last_day, attempts",
            (lease,),
        ).fetchone()
    if row is None:
        return None
    return MailRow(row[0], MailKind(row[1]), Period(row[2], row[3]), row[4])


def begin_sending(connection: Connection, mail: MailRow, message_id_key: str) -> bool:
    """Mark a mail as perhaps out; False when another worker has taken it over."""
    return (
        connection.execute(
            "UPDATE organisation_mails SET state = 'sending', message_id = %s"
            " WHERE id = %s AND state = 'preparing' AND attempts = %s",
            (message_id_key, mail.id, mail.attempts),
        ).rowcount
        == 1
    )


def settle_mail(
    connection: Connection,
    mail_id: int,
    state: str,
    reason: str | None = None,
    wait: timedelta = timedelta(0),
) -> None:
    """Write what became of a mail."""
    connection.execute(
        "UPDATE organisation_mails SET state = %s, failure_reason = %s, due_at = now() + %s,"
        " sent_at = CASE WHEN %s = 'sent' THEN now() END WHERE id = %s",
        (state, reason, wait, state, mail_id),
    )


def mark_sent(connection: Connection, kind: MailKind, period: Period) -> None:
    """Write that a mail is out, whatever stood there."""
    connection.execute(
        "UPDATE organisation_mails SET state = 'sent', sent_at = now(), failure_reason = NULL"
        " WHERE kind = %s AND first_day = %s",
        (kind, period.first_day),
    )


def give_up_on_interrupted(connection: Connection, lease: timedelta) -> int:
    """Mark mails whose worker died while sending: they may be out, so they stay unsent."""
    return connection.execute(
        "UPDATE organisation_mails SET state = 'unknown', failure_reason = 'interrupted'"
        " WHERE state = 'sending' AND due_at + %s < now()",
        (lease,),
    ).rowcount


def earlier_mails(connection: Connection, before: date) -> tuple[EarlierMail, ...]:
    """Return the mails of the last weeks that may not have arrived."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            "SELECT kind, first_day, state, coalesce(failure_reason, '') FROM organisation_mails"
            " WHERE state IN ('unknown', 'failed') AND last_day < %s AND last_day > %s::date - 31"
            " ORDER BY first_day",
            (before, before),
        ).fetchall()
    return tuple(EarlierMail._make(row) for row in rows)


def staff_addresses(connection: Connection) -> list[str]:
    """Return the addresses of active staff who answer for money."""
    rows = connection.execute(
        "SELECT DISTINCT a.email FROM admins AS a JOIN admin_roles AS r ON r.admin_id = a.id"
        " WHERE a.status = 'active' AND r.role IN ('admin', 'finance', 'auditor') ORDER BY 1"
    ).fetchall()
    return [row["email"] for row in rows]


# Each transaction's debits sum to what it moved.
_VOLUMES = """
    SELECT {name}, count(DISTINCT p.transaction_id), sum(p.amount)::bigint
    FROM postings AS p JOIN transactions AS t ON t.id = p.transaction_id
    WHERE p.direction = 'D' AND p.posted_at >= %s AND p.posted_at < %s
    GROUP BY 1 ORDER BY {order}
"""


def volumes(connection: Connection, period: Period) -> tuple[Volume, ...]:
    """Return what each kind of transaction moved, the largest first."""
    return _volumes(connection, _VOLUMES.format(name="t.kind", order="3 DESC, 1"), period)


def day_volumes(connection: Connection, period: Period) -> tuple[Volume, ...]:
    """Return what each Nairobi day moved, named by its ISO date."""
    name = "(p.posted_at AT TIME ZONE 'Africa/Nairobi')::date::text"
    return _volumes(connection, _VOLUMES.format(name=name, order="1"), period)


def failed_payments(connection: Connection, period: Period) -> tuple[Volume, ...]:
    """Return the payments that failed or expired, by kind and result."""
    return _volumes(
        connection,
        "SELECT kind || ' ' || state || coalesce(' ' || result_code, ''), count(*),"
        " sum(amount)::bigint FROM payments WHERE state IN ('failed', 'expired')"
        " AND coalesce(settled_at, created_at) >= %s AND coalesce(settled_at, created_at) < %s"
        " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 25",
        period,
    )


def _volumes(connection: Connection, query: str, period: Period) -> tuple[Volume, ...]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, (period.start, period.end)).fetchall()
    return tuple(Volume._make(row) for row in rows)


def pending_payments(
    connection: Connection, before: datetime
) -> tuple[tuple[OpenPayment, ...], int]:
    """Return the oldest payments without a verdict that began before a moment, and their number."""
    return _open_payments(
        connection,
        "state = ANY (%s) AND created_at < %s",
        (list(_OPEN_STATES), before),
        "coalesce(review_reason, result_text, '')",
    )


def suspense_payments(connection: Connection) -> tuple[tuple[OpenPayment, ...], int]:
    """Return the oldest payments whose money is not attributed yet, and their number."""
    return _open_payments(
        connection,
        "suspense_reason IS NOT NULL AND suspense_resolution IS NULL",
        (),
        "suspense_reason",
    )


def _open_payments(
    connection: Connection, condition: str, values: tuple[object, ...], reason: str
) -> tuple[tuple[OpenPayment, ...], int]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            f"SELECT id, kind, state, coalesce(msisdn, ''), amount,"  # noqa: S608
            f" created_at AT TIME ZONE 'Africa/Nairobi', {reason}, count(*) OVER ()"
            f" FROM payments WHERE {condition} ORDER BY created_at LIMIT {_SHOWN_MAX}",
            values,
        ).fetchall()
    found = [OpenPayment._make(row[:7]) for row in rows]
    found = [
        payment._replace(msisdn=mask_msisdn(payment.msisdn) if payment.msisdn else "")
        for payment in found
    ]
    return tuple(found), rows[0][7] if rows else 0


def undelivered(connection: Connection, period: Period) -> tuple[Undelivered, ...]:
    """Return messages of a period that failed, or have waited for more than an hour."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            "SELECT channel, template, state, count(*) FROM outbox"
            " WHERE created_at >= %s AND created_at < %s AND (state = 'failed'"
            "  OR (state IN ('queued', 'sending') AND created_at < now() - interval '1 hour'))"
            " GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 25",
            (period.start, period.end),
        ).fetchall()
    return tuple(Undelivered._make(row) for row in rows)


def customer_counts(connection: Connection, period: Period) -> tuple[int, int, int]:
    """Return customers that joined in a period, all by its end, and those who moved money."""
    row = connection.execute(
        "SELECT count(*) FILTER (WHERE created_at >= %(start)s) AS joined, count(*) AS everyone,"
        " (SELECT count(DISTINCT account_id) FROM postings WHERE account_id >= 1000"
        "   AND posted_at >= %(start)s AND posted_at < %(end)s) AS active"
        " FROM users WHERE created_at < %(end)s",
        {"start": period.start, "end": period.end},
    ).fetchone()
    assert row is not None
    return row["joined"], row["everyone"], row["active"]
