"""SQL that compares M-Pesa's facts with the ledger in sets. Python sees only counts.

The two sides meet in one full join by receipt over the window and a margin, in the database's
function ``reconciliation_differences``. The few rows that differ are judged by index look-ups
without a window, so an edge never makes a mismatch.
"""

from datetime import datetime, timedelta

from ledger.core.reconciliation import GRACE, MARGIN, Window
from ledger.db.engine import Connection

# Only what differs leaves the join; whether one source lists a receipt twice is asked of those few.
_DIFFERENCES = """
    CREATE TEMPORARY TABLE differences ON COMMIT DROP AS
    SELECT d.*, twice.listed AS listed_twice
    FROM reconciliation_differences(%(from)s, %(to)s) AS d
    CROSS JOIN LATERAL (
        SELECT count(*) > count(DISTINCT r.source) AS listed
        FROM mpesa_records AS r WHERE r.receipt = d.receipt AND r.kind = 'payment'
    ) AS twice
"""

_FINDINGS = """
    CREATE TEMPORARY TABLE findings (
        category text, subject text, day date, receipt text, payment_id bigint,
        transaction_id bigint, expected bigint, actual bigint, detail text
    ) ON COMMIT DROP
"""

# What M-Pesa completed and the ledger's window lacks: look for it anywhere, then for its payment.
_EXTERNAL_ONLY = """
    INSERT INTO findings
    SELECT CASE WHEN y.state IN ('failed', 'expired') THEN 'status_mismatch'
            ELSE 'missing_ledger' END,
        d.receipt, nairobi_date(d.external_at), d.receipt, y.id,
        y.transaction_id, NULL, d.high,
        CASE WHEN y.id IS NULL THEN 'M-Pesa completed it and no payment of ours has this receipt'
            WHEN y.state IN ('failed', 'expired')
                THEN 'M-Pesa completed it and our payment is ' || y.state
            ELSE 'M-Pesa completed it and our payment, ' || y.state || ', is not in the ledger' END
    FROM differences AS d
    LEFT JOIN LATERAL (
        SELECT p.* FROM payments AS p
        WHERE p.mpesa_receipt = d.receipt OR p.id = d.external_payment_id
            OR (p.account_reference = d.account_reference AND p.kind = 'deposit')
        ORDER BY (p.mpesa_receipt = d.receipt) DESC NULLS LAST,
            (p.id = d.external_payment_id) DESC NULLS LAST
        LIMIT 1
    ) AS y ON true
    WHERE d.transaction_id IS NULL
        AND d.external_at >= %(start)s AND d.external_at < least(%(end)s, now() - %(grace)s)
        AND d.reverses IS NULL
        AND NOT EXISTS (
            SELECT FROM transactions AS t JOIN postings AS p ON p.transaction_id = t.id
            WHERE t.payment_id = y.id AND p.account_id = 1
                AND y.mpesa_receipt IS NOT DISTINCT FROM d.receipt)
        -- Completed without a receipt, and this is it.
        AND (y.id IS NULL OR y.state <> 'completed' OR y.mpesa_receipt IS NOT NULL)
"""

_AMOUNTS = """
    INSERT INTO findings
    SELECT 'amount_mismatch', d.receipt, nairobi_date(d.external_at), d.receipt,
        d.payment_id, d.transaction_id, d.amount,
        CASE WHEN d.high <> d.amount THEN d.high ELSE d.low END,
        'the ledger and M-Pesa name different amounts'
    FROM differences AS d
    WHERE d.receipt IS NOT NULL AND d.low IS NOT NULL AND d.amount IS NOT NULL AND d.movements = 1
        AND (d.low <> d.amount OR d.high <> d.amount)
        AND d.external_at >= %(start)s AND d.external_at < %(end)s
        AND NOT d.listed_twice
"""

_DUPLICATES = """
    INSERT INTO findings
    SELECT 'duplicate_receipt',
        coalesce(d.receipt, 'payment:' || d.payment_id, 'transaction:' || d.transaction_id),
        nairobi_date(second.at), d.receipt, d.payment_id, d.transaction_id, d.amount, d.high,
        CASE WHEN d.movements > 1 THEN 'the ledger moved CASH ' || d.movements || ' times for it'
            ELSE 'M-Pesa lists it with two amounts' END
    FROM differences AS d
    CROSS JOIN LATERAL (
        -- A second movement shows on the day that it was made.
        SELECT CASE WHEN d.movements > 1 THEN d.booked_at ELSE d.external_at END AS at
    ) AS second
    WHERE (d.movements > 1 OR d.listed_twice) AND second.at >= %(start)s AND second.at < %(end)s
"""

# Only a list from M-Pesa that covers the moment can prove that a receipt does not exist.
_LEDGER_ONLY = """
    INSERT INTO findings
    SELECT 'missing_external', coalesce(d.receipt, 'transaction:' || d.transaction_id),
        nairobi_date(d.booked_at), d.receipt, d.payment_id,
        d.transaction_id, d.amount, NULL,
        CASE WHEN d.receipt IS NULL THEN 'the ledger moved CASH without a receipt of M-Pesa'
            ELSE 'M-Pesa''s own list has no such receipt' END
    FROM differences AS d
    WHERE d.low IS NULL AND d.booked_at >= %(start)s AND d.booked_at < %(end)s
        AND d.amount <> 0
        AND EXISTS (SELECT FROM statement_uploads AS u
            WHERE u.covers_from <= d.booked_at - %(margin)s AND u.covers_to >= d.booked_at)
        AND NOT EXISTS (SELECT FROM mpesa_records AS r
            WHERE r.receipt = d.receipt AND r.verdict = 'completed')
        -- A count is asked row by row; NOT EXISTS would be hashed over the whole table.
        AND (SELECT count(*) FROM payments AS y JOIN mpesa_records AS r
            ON r.payment_id = y.id
                OR (r.account_reference = y.account_reference AND r.amount = y.amount)
            WHERE y.id = d.payment_id AND y.mpesa_receipt IS NULL AND d.receipt IS NULL) = 0
"""

# Reversed or failed there, while it stands here.
_STATUSES = """
    INSERT INTO findings
    SELECT DISTINCT ON (y.mpesa_receipt) 'status_mismatch', y.mpesa_receipt,
        nairobi_date(r.occurred_at), y.mpesa_receipt, y.id, y.transaction_id,
        CASE y.kind WHEN 'withdrawal' THEN -y.amount ELSE y.amount END, r.amount,
        CASE WHEN r.reverses IS NULL THEN 'the ledger has it completed, M-Pesa has it ' || r.verdict
            ELSE 'M-Pesa reversed it with ' || r.receipt || ' and the ledger did not' END
    FROM mpesa_records AS r
    JOIN payments AS y ON y.mpesa_receipt = coalesce(r.reverses, r.receipt)
    WHERE r.occurred_at >= %(start)s AND r.occurred_at < %(end)s
        AND (r.reverses IS NOT NULL OR r.verdict <> 'completed') AND r.kind = 'payment'
        AND y.state = 'completed' AND y.transaction_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM payments AS o WHERE o.mpesa_receipt = r.receipt
            AND o.kind = 'reversal' AND o.transaction_id IS NOT NULL)
        AND NOT EXISTS (SELECT FROM transactions AS t WHERE t.reverses_id = y.transaction_id)
    ORDER BY y.mpesa_receipt, r.id
"""

_CALLBACKS = """
    INSERT INTO findings
    SELECT 'missing_callback', 'payment:' || y.id, nairobi_date(y.created_at),
        y.mpesa_receipt, y.id, y.transaction_id,
        CASE y.kind WHEN 'withdrawal' THEN -y.amount ELSE y.amount END, NULL,
        CASE WHEN y.state = 'completed' THEN 'settled by ' || coalesce(y.settled_by, 'hand')
            ELSE 'still ' || y.state END || ', and Daraja has posted nothing about it'
    FROM payments AS y
    WHERE y.kind IN ('deposit', 'withdrawal', 'reversal')
        AND y.created_at >= %(start)s AND y.created_at < %(end)s
        AND (y.state IN ('submitting', 'pending', 'unknown')
            OR (y.state = 'completed' AND y.settled_by IS DISTINCT FROM 'callback'))
        AND coalesce(y.submitted_at, y.created_at) < now() - %(grace)s
        AND NOT EXISTS (SELECT FROM mpesa_callbacks AS c WHERE c.payment_id = y.id
            AND c.kind IN ('stk', 'b2c_result', 'reversal_result', 'c2b_confirm'))
        AND NOT EXISTS (SELECT FROM mpesa_callbacks AS c WHERE c.token = y.token
            AND c.kind IN ('stk', 'b2c_result', 'reversal_result'))
        AND NOT EXISTS (SELECT FROM findings AS f WHERE f.payment_id = y.id)
"""

# A float reading says what M-Pesa holds and what CASH was at that moment: between two of them
# both must have moved alike. Readings while a payment was open prove nothing and are left out.
_CONTROL = """
    INSERT INTO findings
    SELECT 'control_total', 'float:' || shortcode, nairobi_date(read_at),
        NULL, NULL, NULL, ledger_cash - first_cash, held - first_held,
        'CASH and the float moved differently between ' || first_at || ' and ' || read_at
    FROM (
        SELECT f.shortcode, f.read_at, f.ledger_cash, f.working + f.utility AS held,
            first_value(f.ledger_cash) OVER w AS first_cash,
            first_value(f.working + f.utility) OVER w AS first_held,
            first_value(f.read_at) OVER w AS first_at,
            row_number() OVER (PARTITION BY f.shortcode ORDER BY f.read_at DESC) AS from_last
        FROM float_readings AS f
        WHERE f.state = 'read' AND f.read_at >= %(start)s AND f.read_at < %(end)s
            AND f.working IS NOT NULL AND f.utility IS NOT NULL
            AND NOT EXISTS (SELECT FROM payments AS y
                WHERE y.submitted_at <= f.read_at
                    AND coalesce(y.settled_at, 'infinity') >= f.asked_at)
        WINDOW w AS (PARTITION BY f.shortcode ORDER BY f.read_at)
    ) AS series
    WHERE from_last = 1 AND ledger_cash - first_cash <> held - first_held
"""
_UPLOADS = """
    INSERT INTO findings
    SELECT 'control_total', 'upload:' || u.id, nairobi_date(u.covers_to), NULL, NULL,
        NULL, u.closing_balance - u.opening_balance, u.moved,
        'the rows of ' || u.filename || ' do not explain its balances'
    FROM statement_uploads AS u
    WHERE u.covers_to >= %(start)s AND u.covers_from < %(end)s
        AND u.opening_balance + u.moved <> u.closing_balance
"""

# An item that was closed by a run because it had vanished comes back; one closed by a person stays.
_STORE = """
    INSERT INTO reconciliation_items AS i (first_run_id, last_run_id, category, subject, day,
        receipt, payment_id, transaction_id, expected, actual, detail)
    SELECT %(run)s, %(run)s, f.* FROM (
        SELECT DISTINCT ON (category, subject, day) category, subject, day, receipt, payment_id,
            transaction_id, expected, actual, detail
        FROM findings ORDER BY category, subject, day
    ) AS f
    ON CONFLICT (category, subject, day) DO UPDATE SET last_run_id = EXCLUDED.last_run_id,
        state = CASE WHEN i.resolver = 'system:reconcile' THEN 'pending' ELSE i.state END,
        notes = CASE WHEN i.resolver = 'system:reconcile' THEN NULL ELSE i.notes END,
        resolved_at = CASE WHEN i.resolver = 'system:reconcile' THEN NULL ELSE i.resolved_at END,
        resolver = CASE WHEN i.resolver = 'system:reconcile' THEN NULL ELSE i.resolver END,
        expected = EXCLUDED.expected, actual = EXCLUDED.actual, detail = EXCLUDED.detail,
        payment_id = EXCLUDED.payment_id, transaction_id = EXCLUDED.transaction_id
"""


def match(connection: Connection, run_id: int, window: Window) -> None:
    """Find every mismatch of a window and store the items; known ones are renewed."""
    values: dict[str, datetime | timedelta | int] = {
        "run": run_id,
        "start": window.start,
        "end": window.end,
        "from": window.start - MARGIN,
        "to": window.end + MARGIN,
        "grace": GRACE,
        "margin": MARGIN,
    }
    # One join over a day of millions: no index beats reading both sides once.
    connection.execute("SET LOCAL statement_timeout = 0")
    connection.execute("SET LOCAL work_mem = '256MB'")
    connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    # The join hands out next to nothing, which the planner can't know: workers cost it nothing.
    connection.execute("SET LOCAL parallel_tuple_cost = 0")
    connection.execute("SET LOCAL jit = off")
    for statement in (
        _DIFFERENCES,
        "ANALYZE differences",
        _FINDINGS,
        _EXTERNAL_ONLY,
        _AMOUNTS,
        _DUPLICATES,
        _LEDGER_ONLY,
        _STATUSES,
        _CALLBACKS,
        _CONTROL,
        _UPLOADS,
        _STORE,
    ):
        connection.execute(statement.encode(), values)


def source_states(connection: Connection, window: Window) -> dict[str, str]:
    """Say of each source of M-Pesa's facts whether it could be read for a window."""
    row = connection.execute(
        "SELECT (SELECT count(*) FROM mpesa_callbacks WHERE state = 'received' AND attempts > 0"
        "  AND received_at >= %(start)s AND received_at < %(end)s) AS unread,"
        " (SELECT count(*) FROM statement_uploads"
        "  WHERE covers_from <= %(start)s + interval '1 hour'"
        "  AND covers_to >= %(end)s - interval '1 hour') AS uploads,"
        " (SELECT max(state) FROM float_readings WHERE id = (SELECT max(id) FROM float_readings"
        "  WHERE asked_at >= %(start)s AND asked_at < %(end)s AND state <> 'asked')) AS reading",
        {"start": window.start, "end": window.end},
    ).fetchone()
    assert row is not None
    return {
        "callbacks": "failed" if row["unread"] else "read",
        "statement": "read" if row["uploads"] else "not_asked",
        "balance": {None: "not_asked", "read": "read"}.get(row["reading"], "failed"),
    }
