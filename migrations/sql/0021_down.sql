DROP FUNCTION posted_under;
CREATE OR REPLACE FUNCTION check_postings_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    first_id bigint;
    last_id bigint;
    sound boolean;
    total numeric;
    row_count bigint;
    balanced boolean;
    well_named boolean;
BEGIN
    SELECT min(i.transaction_id), max(i.transaction_id), count(*),
        sum(CASE i.direction WHEN 'D' THEN i.amount ELSE -i.amount END),
        bool_and(i.amount BETWEEN 1 AND 100000000000000 AND (i.direction = 'D' OR i.direction = 'C')
            AND (i.account_id < 1000) = (i.balance_after IS NULL)
            AND (i.balance_after IS NULL) = (i.account_version IS NULL))
    INTO first_id, last_id, row_count, total, sound FROM inserted AS i;
    IF row_count = 0 THEN
        RETURN NULL;
    END IF;
    IF NOT sound THEN
        IF EXISTS (SELECT FROM inserted AS i WHERE i.amount NOT BETWEEN 1 AND 100000000000000) THEN
            RAISE EXCEPTION 'a posting of transaction % is out of bounds', first_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'postings_amount_bounded';
        END IF;
        RAISE EXCEPTION 'a posting of transaction % is malformed', first_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'postings_shape_sound';
    END IF;
    IF first_id = last_id THEN
        balanced := row_count >= 2 AND total = 0;
        SELECT length(t.receipt) = 10 AND length(t.reference) BETWEEN 1 AND 200 INTO well_named
        FROM public.transactions AS t WHERE t.id = first_id AND t.created_at = now();
    ELSE
        SELECT bool_and(e.row_count >= 2 AND e.total = 0 AND t.id IS NOT NULL),
            bool_and(length(t.receipt) = 10 AND length(t.reference) BETWEEN 1 AND 200),
            coalesce(min(e.transaction_id) FILTER (WHERE e.row_count < 2 OR e.total <> 0 OR t.id IS NULL), first_id)
        INTO balanced, well_named, first_id
        FROM (SELECT i.transaction_id, count(*) AS row_count,
                sum(CASE i.direction WHEN 'D' THEN i.amount ELSE -i.amount END) AS total
            FROM inserted AS i GROUP BY i.transaction_id) AS e
        LEFT JOIN public.transactions AS t ON t.id = e.transaction_id AND t.created_at = now();
    END IF;
    IF NOT balanced OR well_named IS NULL THEN
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
CREATE OR REPLACE FUNCTION check_reversal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM public.transactions WHERE id = NEW.reverses_id AND reverses_id IS NOT NULL) THEN
        RAISE EXCEPTION 'transaction % is itself a reversal', NEW.reverses_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transactions_no_reversal_of_reversal';
    END IF;
    RETURN NEW;
END
$$;
ALTER TABLE transactions ADD CONSTRAINT transactions_reverses_fkey FOREIGN KEY (reverses_id) REFERENCES transactions (id);
