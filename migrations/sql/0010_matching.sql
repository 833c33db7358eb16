-- The one heavy join of reconciliation, as the kernel: a policy that asks row by row who acts would
-- cost more than the join. Only the system and staff may call it, and only differences come out.

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['mpesa_records', 'statement_uploads'] LOOP
        EXECUTE format('CREATE POLICY kernel ON %I TO cycle_kernel USING (true) WITH CHECK (true)', table_name);
        EXECUTE format('GRANT SELECT ON %I TO cycle_kernel', table_name);
    END LOOP;
END
$$;
GRANT SELECT ON payments TO cycle_kernel;

-- Receipts in [p_from, p_to) on which M-Pesa's facts and the movements on CASH (account 1) disagree, or that
-- moved CASH more than once. low and high are M-Pesa's amounts, amount is ours.
CREATE FUNCTION public.reconciliation_differences(p_from timestamptz, p_to timestamptz)
RETURNS TABLE (receipt text, low bigint, high bigint, external_at timestamptz, external_payment_id bigint,
    account_reference text, reverses text, payment_id bigint, transaction_id bigint, amount bigint,
    movements bigint, booked_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER AS $differences$
BEGIN
    IF NOT coalesce(public.acts_for(NULL), false) THEN
        RAISE EXCEPTION 'reconciliation is for the system and staff' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- Planned for this very window: a day of millions and a quiet hour want different joins.
    RETURN QUERY EXECUTE $query$
        WITH external AS (
            SELECT r.receipt, min(r.amount) AS low, max(r.amount) AS high, min(r.occurred_at) AS at
            FROM public.mpesa_records AS r
            WHERE r.occurred_at >= $1 AND r.occurred_at < $2 AND r.kind = 'payment' AND r.verdict = 'completed'
            GROUP BY r.receipt
        ), booked AS (
            SELECT y.mpesa_receipt AS receipt, t.payment_id, min(t.id) AS transaction_id,
                sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END)::bigint AS amount,
                count(*) AS movements, min(p.posted_at) AS at
            FROM public.postings AS p
            JOIN public.transactions AS t ON t.id = p.transaction_id
            LEFT JOIN public.payments AS y ON y.id = t.payment_id
            WHERE p.account_id = 1 AND p.posted_at >= $1 AND p.posted_at < $2
            GROUP BY y.mpesa_receipt, t.payment_id
        )
        SELECT coalesce(e.receipt, b.receipt), e.low, e.high, e.at, told.payment_id, told.account_reference,
            told.reverses, b.payment_id, b.transaction_id, b.amount, b.movements, b.at
        FROM external AS e FULL JOIN booked AS b ON b.receipt = e.receipt
        CROSS JOIN LATERAL (
            SELECT max(r.payment_id) AS payment_id, max(r.account_reference) AS account_reference,
                max(r.reverses) AS reverses
            FROM public.mpesa_records AS r WHERE r.receipt = e.receipt AND r.kind = 'payment'
        ) AS told
        WHERE e.low IS DISTINCT FROM b.amount OR e.high IS DISTINCT FROM b.amount OR b.movements > 1
    $query$ USING p_from, p_to;
END
$differences$;
ALTER FUNCTION public.reconciliation_differences OWNER TO cycle_kernel;
REVOKE ALL ON FUNCTION public.reconciliation_differences FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.reconciliation_differences TO cycle_app;

-- The few rows that the other searches want, found without reading the day.
CREATE INDEX mpesa_records_undone ON mpesa_records (occurred_at)
    WHERE (reverses IS NOT NULL OR verdict <> 'completed') AND kind = 'payment';
CREATE INDEX payments_unheard ON payments (created_at)
    WHERE state IN ('submitting', 'pending', 'unknown')
        OR (state = 'completed' AND settled_by IS DISTINCT FROM 'callback');
CREATE INDEX mpesa_records_payment ON mpesa_records (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX mpesa_records_account_reference ON mpesa_records (account_reference)
    WHERE account_reference IS NOT NULL;
