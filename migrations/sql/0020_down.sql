DROP FUNCTION post_transactions, fill_outbox;
DROP TABLE outbox_intake;
CREATE OR REPLACE FUNCTION check_postings_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    first_id bigint;
    last_id bigint;
    smallest bigint;
    largest bigint;
    well_formed boolean;
    total numeric;
    row_count bigint;
    well_named boolean;
BEGIN
    SELECT min(i.transaction_id), max(i.transaction_id), min(i.amount), max(i.amount),
        bool_and((i.direction = 'D' OR i.direction = 'C') AND (i.account_id < 1000) = (i.balance_after IS NULL)
            AND (i.balance_after IS NULL) = (i.account_version IS NULL)),
        count(*), sum(CASE i.direction WHEN 'D' THEN i.amount ELSE -i.amount END),
        (SELECT length(t.receipt) = 10 AND length(t.reference) BETWEEN 1 AND 200
            FROM public.transactions AS t WHERE t.id = min(i.transaction_id) AND t.created_at = now())
    INTO first_id, last_id, smallest, largest, well_formed, row_count, total, well_named FROM inserted AS i;
    IF row_count = 0 THEN
        RETURN NULL;
    END IF;
    IF smallest < 1 OR largest > 100000000000000 THEN
        RAISE EXCEPTION 'a posting of transaction % is out of bounds', first_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'postings_amount_bounded';
    END IF;
    IF NOT well_formed THEN
        RAISE EXCEPTION 'a posting of transaction % is malformed', first_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'postings_shape_sound';
    END IF;
    -- One transaction a statement keeps this a plain sum; the kernel never writes two.
    IF first_id <> last_id OR row_count < 2 OR total <> 0 OR well_named IS NULL THEN
        RAISE EXCEPTION 'postings of transaction % do not balance or come too late', first_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'postings_sum_to_zero';
    END IF;
    IF NOT well_named THEN
        RAISE EXCEPTION 'transaction % has a receipt or a reference out of bounds', first_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transactions_names_bounded';
    END IF;
    RETURN NULL;
END
$$;
