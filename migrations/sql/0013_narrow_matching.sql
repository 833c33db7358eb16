-- The heavy join of reconciliation, in two steps: one pass in sets names the few receipts, payments and
-- movements that may differ, then those alone are looked up by index, without a window.

-- Finds a day among years of payments. A row that was written late widens no range of blocks.
CREATE INDEX payments_created_at ON payments USING brin (created_at timestamptz_minmax_multi_ops);

-- Receipts on which M-Pesa's facts of [p_from, p_to) and the movements on CASH (account 1) disagree, or that
-- moved CASH more than once. low and high are M-Pesa's amounts, amount is ours; booked_at is the last movement.
CREATE OR REPLACE FUNCTION public.reconciliation_differences(p_from timestamptz, p_to timestamptz)
RETURNS TABLE (receipt text, low bigint, high bigint, external_at timestamptz, external_payment_id bigint,
    account_reference text, reverses text, payment_id bigint, transaction_id bigint, amount bigint,
    movements bigint, booked_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $differences$
BEGIN
    IF NOT coalesce(public.acts_for(NULL), false) THEN
        RAISE EXCEPTION 'reconciliation is for the system and staff' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- Planned for this very window: a day of millions and a quiet hour want different joins. A movement
    -- whose payment is older than the window, or names it by the transaction only, is a candidate like
    -- any other: it costs a look-up, not a wrong answer.
    EXECUTE $query$
        CREATE TEMPORARY TABLE candidates ON COMMIT DROP AS
        SELECT external.receipt, booked.mpesa_receipt, booked.payment_id, booked.transaction_id
        FROM (
            SELECT r.receipt, r.amount
            FROM public.mpesa_records AS r
            WHERE r.occurred_at >= $1 AND r.occurred_at < $2 AND r.kind = 'payment' AND r.verdict = 'completed'
        ) AS external
        FULL JOIN (
            SELECT y.mpesa_receipt, y.id AS payment_id, p.transaction_id,
                CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END AS amount
            FROM public.postings AS p
            LEFT JOIN public.payments AS y
                ON y.transaction_id = p.transaction_id AND y.created_at >= $1 AND y.created_at < $2
            WHERE p.account_id = 1 AND p.posted_at >= $1 AND p.posted_at < $2
        ) AS booked ON booked.mpesa_receipt = external.receipt
        WHERE external.amount IS DISTINCT FROM booked.amount
    $query$ USING p_from, p_to;
    ANALYZE pg_temp.candidates;
    RETURN QUERY EXECUTE $query$
        WITH named AS (
            SELECT DISTINCT coalesce(c.receipt, y.mpesa_receipt) AS receipt, y.id AS payment_id,
                CASE WHEN y.id IS NULL THEN c.transaction_id END AS transaction_id
            FROM pg_temp.candidates AS c
            LEFT JOIN public.transactions AS t ON t.id = c.transaction_id
            LEFT JOIN public.payments AS y
                ON y.id = coalesce(c.payment_id, t.payment_id,
                    (SELECT o.id FROM public.payments AS o WHERE o.mpesa_receipt = c.receipt))
        )
        SELECT n.receipt, e.low, e.high, e.at, e.payment_id, e.account_reference, e.reverses,
            CASE WHEN b.movements > 0 THEN n.payment_id END, b.transaction_id, b.amount,
            nullif(b.movements, 0), b.at
        FROM named AS n
        CROSS JOIN LATERAL (
            SELECT min(r.amount) FILTER (WHERE r.verdict = 'completed') AS low,
                max(r.amount) FILTER (WHERE r.verdict = 'completed') AS high,
                min(r.occurred_at) FILTER (WHERE r.verdict = 'completed') AS at,
                max(r.payment_id) AS payment_id, max(r.account_reference) AS account_reference,
                max(r.reverses) AS reverses
            FROM public.mpesa_records AS r WHERE r.receipt = n.receipt AND r.kind = 'payment'
        ) AS e
        CROSS JOIN LATERAL (
            SELECT min(t.id) AS transaction_id, count(*) AS movements, max(p.posted_at) AS at,
                sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END)::bigint AS amount
            FROM public.transactions AS t
            JOIN public.postings AS p ON p.transaction_id = t.id AND p.account_id = 1
            WHERE t.payment_id = n.payment_id OR t.id = n.transaction_id
        ) AS b
        WHERE e.low IS DISTINCT FROM b.amount OR e.high IS DISTINCT FROM b.amount OR b.movements > 1
    $query$;
    DROP TABLE pg_temp.candidates;
END
$differences$;
