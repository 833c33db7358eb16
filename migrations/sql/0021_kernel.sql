-- The posting kernel: the only writer of the ledger. Everything here runs as cycle_kernel, which
-- owns no table and may insert what it must; the application may only execute these functions.
-- Names are qualified rather than a search_path set, which would cost a tenth of the speed; those of
-- types inside of functions too, as a caller could put a type of the same name into pg_temp.

-- Post one whole transaction in one round trip, or refuse it and leave nothing behind.
--
-- Order: the idempotency key is claimed first (the loser of a race waits on the unique index, then
-- answers with the winner's result, and so does whoever comes later); then wallets are locked and updated in ascending account id, the
-- one global lock order; system accounts (id < 1000, of which 1 to 6 exist) are never locked, they get
-- a delta row.
--
-- p_account_ids  ascending and distinct; p_debits gives for each: > 0 cents debited, < 0 credited
-- p_ceilings     for each account the most its balance may become, or null
-- p_usage_*      counts p_usage_amount against p_usage_max for that account, kind and Nairobi day
-- p_messages     [{channel, user_id, recipient, template, language, params, balance_of}], see fill_outbox
-- outcome        posted | replayed | key_reused | a refusal's code; figures names the account and cents
CREATE OR REPLACE FUNCTION public.post_transaction(
    p_kind text,
    p_source text,
    p_reference text,
    p_request_digest bytea,
    p_receipt text,
    p_actor text,
    p_channel text,
    p_account_ids bigint[],
    p_debits bigint[],
    p_ceilings bigint[] DEFAULT NULL,
    p_details jsonb DEFAULT '{}',
    p_payment_id bigint DEFAULT NULL,
    p_reverses_id bigint DEFAULT NULL,
    p_usage_account_id bigint DEFAULT NULL,
    p_usage_kind text DEFAULT NULL,
    p_usage_day date DEFAULT NULL,
    p_usage_amount bigint DEFAULT NULL,
    p_usage_max bigint DEFAULT NULL,
    p_messages jsonb DEFAULT NULL,
    OUT outcome text,
    OUT figures jsonb,
    OUT transaction_id bigint,
    OUT receipt text,
    OUT posted_at timestamptz,
    OUT balances bigint[]
) LANGUAGE plpgsql SECURITY DEFINER AS $kernel$
DECLARE
    v_account_id bigint;
    v_debit bigint;
    v_ceiling bigint;
    v_balance bigint;
    v_version bigint;
    v_versions bigint[];
    v_last_account_id bigint := 0;
    v_constraint pg_catalog.text;
    v_audit_id bigint;
BEGIN
    IF cardinality(p_account_ids) < 2 OR cardinality(p_account_ids) <> cardinality(p_debits) THEN
        RAISE EXCEPTION 'a transaction has two postings or more, each with an account and cents'
            USING ERRCODE = 'data_exception';
    END IF;

    INSERT INTO public.transactions AS t
        (kind, source, reference, request_digest, receipt, actor, channel, details, payment_id, reverses_id)
    VALUES
        (p_kind, p_source, p_reference, p_request_digest, p_receipt, p_actor, p_channel, p_details, p_payment_id, p_reverses_id)
    RETURNING t.id INTO transaction_id;

    FOR i IN 1..cardinality(p_account_ids) LOOP
        v_account_id := p_account_ids[i];
        v_debit := p_debits[i];
        v_ceiling := coalesce(p_ceilings[i], 9223372036854775807); -- what a bigint holds
        IF v_account_id <= v_last_account_id THEN
            RAISE EXCEPTION 'accounts are named once and in ascending order' USING ERRCODE = 'data_exception';
        END IF;
        v_last_account_id := v_account_id;
        IF v_account_id < 1000 THEN
            IF v_account_id > 6 THEN
                outcome := 'account_unknown';
                figures := jsonb_build_object('account_id', v_account_id, 'balance', NULL);
                RAISE EXCEPTION USING ERRCODE = 'CY001', MESSAGE = 'refused';
            END IF;
            INSERT INTO public.balance_deltas (transaction_id, account_id, debits_less_credits)
            VALUES (post_transaction.transaction_id, v_account_id, v_debit);
            balances[i] := NULL;
            v_versions[i] := NULL;
            CONTINUE;
        END IF;
        LOOP
            -- Every wallet is a liability: a debit takes from it.
            UPDATE public.accounts AS a
            SET balance = a.balance - v_debit, version = a.version + 1
            WHERE a.id = v_account_id
                AND a.status = 'active'
                AND a.balance - v_debit BETWEEN a.floor_cents AND v_ceiling
            RETURNING a.balance, a.version INTO v_balance, v_version;
            EXIT WHEN FOUND;
            SELECT refused.outcome, refused.figures INTO outcome, figures
            FROM public.why_refused(p_account_ids[i:], p_debits[i:], p_ceilings[i:]) AS refused;
            IF outcome IS NOT NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'CY001', MESSAGE = 'refused';
            END IF;
            IF v_account_id IS NULL OR v_debit IS NULL THEN
                RAISE EXCEPTION 'a posting lacks its account or its cents' USING ERRCODE = 'data_exception';
            END IF;
            -- No reason left: what stood in the way was gone a moment later, so try again.
        END LOOP;
        balances[i] := v_balance;
        v_versions[i] := v_version;
    END LOOP;

    IF p_usage_amount IS NOT NULL THEN
        INSERT INTO public.daily_usage AS u (account_id, day, kind, amount)
        VALUES (p_usage_account_id, p_usage_day, p_usage_kind, greatest(p_usage_amount, 0))
        ON CONFLICT (account_id, day, kind) DO UPDATE SET amount = greatest(u.amount + p_usage_amount, 0)
        RETURNING u.amount INTO v_balance;
        IF v_balance > p_usage_max THEN
            outcome := 'daily_limit';
            figures := jsonb_build_object('left', greatest(p_usage_max - v_balance + p_usage_amount, 0));
            RAISE EXCEPTION USING ERRCODE = 'CY001', MESSAGE = 'refused';
        END IF;
    END IF;

    -- After the locks, so that within an account later versions never carry earlier times.
    posted_at := clock_timestamp();
    receipt := p_receipt;
    IF cardinality(p_account_ids) = 2 THEN -- nearly always, and cheaper than taking arrays apart
        INSERT INTO public.postings
            (account_id, posted_at, transaction_id, direction, amount, balance_after, account_version)
        VALUES
            (p_account_ids[1], posted_at, transaction_id,
                CASE WHEN p_debits[1] > 0 THEN 'D' ELSE 'C' END, abs(p_debits[1]), balances[1], v_versions[1]),
            (p_account_ids[2], posted_at, transaction_id,
                CASE WHEN p_debits[2] > 0 THEN 'D' ELSE 'C' END, abs(p_debits[2]), balances[2], v_versions[2]);
    ELSE
        INSERT INTO public.postings
            (account_id, posted_at, transaction_id, direction, amount, balance_after, account_version)
        SELECT e.account_id, post_transaction.posted_at, post_transaction.transaction_id,
            CASE WHEN e.debit > 0 THEN 'D' ELSE 'C' END, abs(e.debit), e.balance, e.version
        FROM unnest(p_account_ids, p_debits, balances, v_versions) AS e (account_id, debit, balance, version);
    END IF;

    INSERT INTO public.audit_log (actor, channel, action, subject_type, subject_id, new_values)
    VALUES (p_actor, p_channel, 'transaction.posted', 'transaction', transaction_id,
        jsonb_build_object('kind', p_kind, 'receipt', p_receipt, 'accounts', p_account_ids, 'debits', p_debits))
    RETURNING id INTO v_audit_id;
    INSERT INTO public.audit_unsealed (audit_id) VALUES (v_audit_id);

    IF p_messages IS NOT NULL THEN
        INSERT INTO public.outbox_intake
            (transaction_id, payment_id, receipt, posted_at, account_ids, balances, messages)
        VALUES (transaction_id, p_payment_id, p_receipt, posted_at, p_account_ids, balances, p_messages);
    END IF;
    outcome := 'posted';
EXCEPTION
    WHEN SQLSTATE 'CY001' THEN
        transaction_id := NULL;
        balances := NULL;
    WHEN unique_violation OR check_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
        -- Whichever unique index was looked at first: a used key takes precedence.
        SELECT u.outcome, u.figures, u.transaction_id, u.receipt, u.posted_at, u.balances
        INTO outcome, figures, transaction_id, receipt, posted_at, balances
        FROM public.posted_under(p_source, p_reference, p_request_digest) AS u;
        IF outcome IS NOT NULL THEN
            RETURN;
        END IF;
        balances := NULL;
        figures := '{}';
        outcome := CASE v_constraint
            WHEN 'transactions_reversed_once' THEN 'already_reversed'
            WHEN 'transactions_no_reversal_of_reversal' THEN 'reversal_of_reversal' END;
        IF outcome IS NULL THEN
            RAISE;
        END IF;
END
$kernel$;

-- What stands under an idempotency key: replayed or, when another request claimed it, key_reused.
-- The outcome is null when nothing does. Accounts and their balances are in ascending account id.
CREATE OR REPLACE FUNCTION public.posted_under(
    p_source text,
    p_reference text,
    p_request_digest bytea,
    OUT outcome text,
    OUT figures jsonb,
    OUT transaction_id bigint,
    OUT receipt text,
    OUT posted_at timestamptz,
    OUT account_ids bigint[],
    OUT balances bigint[]
) LANGUAGE sql STABLE SECURITY DEFINER AS $under$
    SELECT CASE WHEN t.request_digest = p_request_digest THEN 'replayed' ELSE 'key_reused' END,
        jsonb_build_object('kind', t.kind, 'details', t.details), t.id, t.receipt,
        max(p.posted_at), array_agg(p.account_id ORDER BY p.account_id),
        array_agg(p.balance_after ORDER BY p.account_id)
    FROM public.transactions AS t JOIN public.postings AS p ON p.transaction_id = t.id
    WHERE t.source = p_source AND t.reference = p_reference
    GROUP BY t.id
$under$;

-- Post several transactions at once, each whole, in one database transaction: what is asked for at the
-- same moment shares a round trip, a commit and one statement a table. Only the plain case is
-- taken: a call whose wallets nobody else holds, that would not be refused and whose key is new. Every
-- other call is left out of the answer, with nothing written, for post_transaction; so this
-- waits for no wallet and has nothing to undo. It waits for a key that is being posted elsewhere, but
-- not for long: wallets are held meanwhile, which is the reverse of post_transaction's order.
--
-- Arrays up to p_messages have one element a call, those named leg one a posting, in the order of calls
-- and within a call by account id; p_leg_calls says whose (1 is the first). No two calls share a wallet.
CREATE OR REPLACE FUNCTION public.post_transactions(
    p_kinds text[],
    p_sources text[],
    p_references text[],
    p_request_digests bytea[],
    p_receipts text[],
    p_actors text[],
    p_channels text[],
    p_details jsonb[],
    p_usage_account_ids bigint[],
    p_usage_kinds text[],
    p_usage_days date[],
    p_usage_amounts bigint[],
    p_usage_maxima bigint[],
    p_messages jsonb[],
    p_leg_calls integer[],
    p_leg_account_ids bigint[],
    p_leg_debits bigint[],
    p_leg_ceilings bigint[]
) RETURNS TABLE (call integer, transaction_id bigint, posted_at timestamptz, balances bigint[])
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '250ms' AS $group$
DECLARE
    v_held_legs bigint[]; -- postings on wallets that we hold and that can take their part
    v_calls integer[]; -- calls that are posted, and their transactions
    v_ids bigint[];
    v_touched_legs bigint[]; -- postings on wallets, and what the wallets became
    v_balances bigint[];
    v_versions bigint[];
    v_posted_at pg_catalog.timestamptz;
BEGIN
    -- One set of numbers and subscripts: PostgreSQL would copy out each array that is taken apart.
    SELECT array_agg(held.leg) INTO v_held_legs FROM (
        SELECT e.leg, a.status = 'active' AND a.balance - p_leg_debits[e.leg]
            BETWEEN a.floor_cents AND coalesce(p_leg_ceilings[e.leg], 9223372036854775807) AS fits
        FROM unnest(p_leg_calls) WITH ORDINALITY AS e (call, leg)
        JOIN public.accounts AS a ON a.id = p_leg_account_ids[e.leg]
        WHERE p_leg_account_ids[e.leg] >= 1000
        FOR NO KEY UPDATE OF a SKIP LOCKED
    ) AS held WHERE held.fits;

    WITH claimed AS (
        INSERT INTO public.transactions AS t
            (kind, source, reference, request_digest, receipt, actor, channel, details)
        SELECT c.kind, p_sources[c.call], p_references[c.call], p_request_digests[c.call],
            p_receipts[c.call], p_actors[c.call], p_channels[c.call], p_details[c.call]
        FROM unnest(p_kinds) WITH ORDINALITY AS c (kind, call)
        -- A wallet's usage changes under the wallet's lock only, so what is read here holds.
        WHERE (p_usage_amounts[c.call] IS NULL OR p_usage_maxima[c.call] >= p_usage_amounts[c.call]
                + coalesce((SELECT u.amount FROM public.daily_usage AS u
                    WHERE u.account_id = p_usage_account_ids[c.call] AND u.day = p_usage_days[c.call]
                        AND u.kind = p_usage_kinds[c.call]), 0))
            AND c.call = ANY (p_leg_calls)
            AND c.call NOT IN (SELECT e.call FROM unnest(p_leg_calls) WITH ORDINALITY AS e (call, leg)
            WHERE p_leg_account_ids[e.leg] >= 1000 AND array_position(v_held_legs, e.leg) IS NULL)
        ON CONFLICT ON CONSTRAINT transactions_source_reference_unique DO NOTHING
        RETURNING t.id, t.receipt
    )
    SELECT array_agg(t.id), array_agg(array_position(p_receipts, t.receipt)) INTO v_ids, v_calls FROM claimed AS t;
    IF v_ids IS NULL THEN
        RETURN;
    END IF;

    -- Were a wallet in two calls, one posting would stay without balance and be refused as malformed.
    WITH touched AS (
        UPDATE public.accounts AS a SET balance = a.balance - p_leg_debits[e.leg], version = a.version + 1
        FROM unnest(v_held_legs) AS e (leg)
        WHERE a.id = p_leg_account_ids[e.leg] AND p_leg_calls[e.leg] = ANY (v_calls)
        RETURNING e.leg, a.balance, a.version
    )
    SELECT array_agg(t.leg), array_agg(t.balance), array_agg(t.version)
    INTO v_touched_legs, v_balances, v_versions FROM touched AS t;

    IF 1000 > ANY (p_leg_account_ids) THEN
        INSERT INTO public.balance_deltas (transaction_id, account_id, debits_less_credits)
        SELECT v_ids[array_position(v_calls, e.call)],
            CASE WHEN p_leg_account_ids[e.leg] BETWEEN 1 AND 6 THEN p_leg_account_ids[e.leg] END, p_leg_debits[e.leg]
        FROM unnest(p_leg_calls) WITH ORDINALITY AS e (call, leg)
        WHERE p_leg_account_ids[e.leg] < 1000 AND e.call = ANY (v_calls);
    END IF;

    INSERT INTO public.daily_usage AS u (account_id, day, kind, amount)
    SELECT p_usage_account_ids[c.call], p_usage_days[c.call], p_usage_kinds[c.call], p_usage_amounts[c.call]
    FROM unnest(v_calls) AS c (call) WHERE p_usage_amounts[c.call] IS NOT NULL
    ON CONFLICT (account_id, day, kind) DO UPDATE SET amount = u.amount + excluded.amount;

    v_posted_at := clock_timestamp();
    INSERT INTO public.postings
        (account_id, posted_at, transaction_id, direction, amount, balance_after, account_version)
    SELECT p_leg_account_ids[e.leg], v_posted_at, v_ids[array_position(v_calls, e.call)],
        CASE WHEN p_leg_debits[e.leg] > 0 THEN 'D' ELSE 'C' END, abs(p_leg_debits[e.leg]),
        v_balances[array_position(v_touched_legs, e.leg)], v_versions[array_position(v_touched_legs, e.leg)]
    FROM unnest(p_leg_calls) WITH ORDINALITY AS e (call, leg) WHERE e.call = ANY (v_calls);

    RETURN QUERY WITH posted AS (
        SELECT e.call, v_ids[array_position(v_calls, e.call)] AS id,
            array_agg(p_leg_account_ids[e.leg] ORDER BY e.leg) AS account_ids,
            array_agg(p_leg_debits[e.leg] ORDER BY e.leg) AS debits,
            array_agg(v_balances[array_position(v_touched_legs, e.leg)] ORDER BY e.leg) AS balances
        FROM unnest(p_leg_calls) WITH ORDINALITY AS e (call, leg) WHERE e.call = ANY (v_calls)
        GROUP BY e.call
    ), audited AS (
        INSERT INTO public.audit_log (actor, channel, action, subject_type, subject_id, new_values)
        SELECT p_actors[p.call], p_channels[p.call], 'transaction.posted', 'transaction', p.id,
            jsonb_build_object('kind', p_kinds[p.call], 'receipt', p_receipts[p.call],
                'accounts', p.account_ids, 'debits', p.debits)
        FROM posted AS p
        RETURNING id
    ), to_seal AS (
        INSERT INTO public.audit_unsealed (audit_id) SELECT a.id FROM audited AS a
    ), told AS (
        INSERT INTO public.outbox_intake (transaction_id, receipt, posted_at, account_ids, balances, messages)
        SELECT p.id, p_receipts[p.call], v_posted_at, p.account_ids, p.balances, p_messages[p.call]
        FROM posted AS p WHERE p_messages[p.call] IS NOT NULL
    )
    SELECT p.call, p.id, v_posted_at, p.balances FROM posted AS p;
END
$group$;

-- Say why some of these accounts can't take their part, in the fixed order of precedence.
CREATE OR REPLACE FUNCTION public.why_refused(
    p_account_ids bigint[], p_debits bigint[], p_ceilings bigint[], OUT outcome text, OUT figures jsonb
) LANGUAGE sql AS $why$
    SELECT problem.code, jsonb_build_object('account_id', e.account_id, 'balance', a.balance)
    FROM unnest(p_account_ids, p_debits, p_ceilings) AS e (account_id, debit, ceiling)
    LEFT JOIN public.accounts AS a ON a.id = e.account_id
    CROSS JOIN LATERAL (
        SELECT a.balance - e.debit AS balance_after
    ) AS next
    JOIN LATERAL (VALUES
        (1, 'account_unknown', a.id IS NULL),
        (2, 'account_frozen', a.status = 'frozen'),
        (3, 'account_closed', a.status = 'closed'),
        (4, 'insufficient_funds', next.balance_after < a.floor_cents),
        (5, 'wallet_full', next.balance_after > e.ceiling)
    ) AS problem (precedence, code, holds) ON problem.holds
    WHERE e.account_id >= 1000
    ORDER BY problem.precedence, e.account_id
    LIMIT 1
$why$;

-- Open the one wallet of a user, inside the transaction that creates the user.
CREATE OR REPLACE FUNCTION public.open_wallet(p_user_id bigint, p_number text, p_name text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER AS $open$
    INSERT INTO public.accounts (code, user_id, number, name, normal_side)
    VALUES ('USER_WALLET', p_user_id, p_number, p_name, 'C')
    RETURNING id
$open$;

-- Freeze, unfreeze or close a wallet. Closing asks for an empty one; a closed wallet stays closed.
CREATE OR REPLACE FUNCTION public.set_account_status(p_account_id bigint, p_status text, OUT old_status text, OUT outcome text)
LANGUAGE plpgsql SECURITY DEFINER AS $status$
DECLARE
    v_balance bigint;
BEGIN
    SELECT a.status, a.balance INTO old_status, v_balance
    FROM public.accounts AS a WHERE a.id = p_account_id AND a.id >= 1000 FOR UPDATE;
    outcome := CASE
        WHEN old_status IS NULL THEN 'account_unknown'
        WHEN old_status = 'closed' THEN 'account_closed'
        WHEN p_status = 'closed' AND old_status = 'frozen' THEN 'account_frozen'
        WHEN p_status = 'closed' AND v_balance <> 0 THEN 'wallet_not_empty'
        ELSE 'done' END;
    IF outcome = 'done' THEN
        UPDATE public.accounts SET status = p_status WHERE id = p_account_id;
    END IF;
END
$status$;

-- Write one audit row for the actor and channel of the current context.
CREATE OR REPLACE FUNCTION public.record_audit(
    p_action text, p_subject_type text, p_subject_id bigint, p_old_values jsonb, p_new_values jsonb
) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $audit$
    WITH entry AS (
        INSERT INTO public.audit_log (actor, channel, action, subject_type, subject_id, old_values, new_values)
        VALUES (current_setting('cycle.actor'), current_setting('cycle.channel'),
            p_action, p_subject_type, p_subject_id, p_old_values, p_new_values)
        RETURNING id
    )
    INSERT INTO public.audit_unsealed (audit_id) SELECT id FROM entry RETURNING audit_id
$audit$;

-- Move waiting deltas into the checkpoints. Writers are never blocked: the fold deletes the rows it
-- sees and adds exactly those; a row that commits later stays for the next fold. Returns rows folded.
CREATE OR REPLACE FUNCTION public.fold_balance_deltas(p_rows_max integer DEFAULT 100000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $fold$
DECLARE
    v_folded bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('cycle.fold_balance_deltas'));
    WITH folded AS (
        DELETE FROM public.balance_deltas
        WHERE ctid = ANY (ARRAY(SELECT ctid FROM public.balance_deltas LIMIT p_rows_max))
        RETURNING account_id, debits_less_credits
    ), sums AS (
        SELECT account_id, sum(debits_less_credits)::bigint AS total, count(*) AS row_count
        FROM folded GROUP BY account_id
    ), moved AS (
        UPDATE public.balance_checkpoints AS c
        SET debits_less_credits = c.debits_less_credits + s.total, folded_at = clock_timestamp()
        FROM sums AS s WHERE c.account_id = s.account_id
        RETURNING s.row_count
    )
    SELECT coalesce(sum(row_count), 0) INTO v_folded FROM moved;
    RETURN v_folded;
END
$fold$;

-- Move the messages of postings into the outbox, with the receipt, the time and the balance of account
-- balance_of added to params. Whoever reads the outbox calls this before, until it returns 0; one at a
-- time, so that nothing is on its way then. Returns postings whose messages were moved.
CREATE OR REPLACE FUNCTION public.fill_outbox(p_rows_max integer DEFAULT 1000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $fill$
DECLARE
    v_taken bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM public.outbox_intake) THEN
        RETURN 0;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('cycle.fill_outbox'));
    WITH taken AS (
        DELETE FROM public.outbox_intake
        WHERE ctid = ANY (ARRAY(SELECT ctid FROM public.outbox_intake LIMIT p_rows_max))
        RETURNING *
    ), moved AS (
        INSERT INTO public.outbox
            (channel, user_id, recipient, template, language, params, transaction_id, payment_id, created_at, due_at)
        SELECT m.channel, m.user_id, m.recipient, m.template, m.language,
            m.params || jsonb_build_object('receipt', t.receipt, 'posted_at', t.posted_at)
                || CASE WHEN m.balance_of IS NULL THEN '{}' ELSE jsonb_build_object('balance',
                    t.balances[array_position(t.account_ids, m.balance_of)]) END,
            t.transaction_id, t.payment_id, t.posted_at, t.posted_at
        FROM taken AS t CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(t.messages) AS (
            channel pg_catalog.text, user_id bigint, recipient pg_catalog.text, template pg_catalog.text,
            language pg_catalog.text, params pg_catalog.jsonb, balance_of bigint))
            WITH ORDINALITY AS m (channel, user_id, recipient, template, language, params, balance_of, place)
        ORDER BY t.posted_at, t.transaction_id, m.place
    )
    SELECT count(*) INTO v_taken FROM taken;
    RETURN v_taken;
END
$fill$;

-- The digest of one audit row; canonical whatever the session's time zone or date style.
CREATE OR REPLACE FUNCTION public.audit_digest(entry public.audit_log) RETURNS bytea LANGUAGE sql STABLE AS $digest$
    SELECT sha256(convert_to(jsonb_build_array(entry.id, (extract(epoch FROM entry.at) * 1000000)::bigint,
        entry.subject_id, entry.actor, entry.channel, entry.action, entry.subject_type,
        entry.old_values, entry.new_values)::pg_catalog.text, 'UTF8'))
$digest$;

-- Seal the audit rows that wait: hash each in id order, hash the batch, chain it to the seal before.
-- Which ids a seal covers is stored, so ids may commit out of order. Returns rows sealed.
CREATE OR REPLACE FUNCTION public.seal_audit(p_rows_max integer DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $seal$
DECLARE
    v_ids bigint[];
    v_batch pg_catalog.bytea;
    v_previous pg_catalog.bytea;
    v_next bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('cycle.seal_audit'));
    WITH taken AS (
        DELETE FROM public.audit_unsealed
        WHERE ctid = ANY (ARRAY(SELECT ctid FROM public.audit_unsealed LIMIT p_rows_max))
        RETURNING audit_id
    )
    SELECT array_agg(audit_id ORDER BY audit_id) INTO v_ids FROM taken;
    IF v_ids IS NULL THEN
        RETURN 0;
    END IF;
    SELECT sha256(string_agg(public.audit_digest(a), ''::pg_catalog.bytea ORDER BY a.id)) INTO v_batch
    FROM public.audit_log AS a WHERE a.id = ANY (v_ids);
    SELECT s.id, s.seal_hash INTO v_next, v_previous FROM public.audit_seals AS s ORDER BY s.id DESC LIMIT 1;
    v_next := coalesce(v_next, 0) + 1;
    v_previous := coalesce(v_previous, sha256('cycle audit'));
    INSERT INTO public.audit_seals (id, audit_ids, row_count, batch_hash, previous_hash, seal_hash)
    VALUES (v_next, (SELECT range_agg(int8range(i, i + 1)) FROM unnest(v_ids) AS i), cardinality(v_ids),
        v_batch, v_previous, sha256(v_previous || v_batch || convert_to(v_next::pg_catalog.text, 'UTF8')));
    RETURN cardinality(v_ids);
END
$seal$;

DO $grants$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc AS p
        WHERE p.pronamespace = 'public'::regnamespace AND p.proname IN ('post_transaction', 'why_refused',
            'posted_under', 'post_transactions', 'open_wallet', 'set_account_status', 'record_audit', 'fold_balance_deltas', 'fill_outbox',
            'audit_digest', 'seal_audit')
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO cycle_kernel', f);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO cycle_app, cycle_auditor', f);
    END LOOP;
END
$grants$;
REVOKE EXECUTE ON FUNCTION public.post_transaction, public.post_transactions, public.open_wallet,
    public.set_account_status, public.record_audit, public.fold_balance_deltas, public.fill_outbox,
    public.seal_audit FROM cycle_auditor;
GRANT EXECUTE ON FUNCTION public.create_posting_partitions TO cycle_app;

-- The two sides of a movement, in one round trip and without a context: only what planning needs.
-- PL/pgSQL keeps the plan; before PostgreSQL 18 an SQL function is planned at each call.
CREATE OR REPLACE FUNCTION public.find_parties(p_user_ids bigint[], p_msisdns text[])
RETURNS TABLE (user_id bigint, msisdn text, first_name text, last_name text, language text, status text,
    wallet_account_id bigint, wallet_status text, balance bigint, pin_must_change boolean,
    withdrawals_capped_until timestamptz, email text)
LANGUAGE plpgsql STABLE SECURITY DEFINER AS $parties$
BEGIN
    RETURN QUERY SELECT u.id, u.msisdn, u.first_name, u.last_name, u.language, u.status, a.id, a.status, a.balance,
        u.pin_must_change, u.withdrawals_capped_until,
        CASE WHEN u.email_confirmed_at IS NOT NULL THEN u.email END
    FROM public.users AS u
    JOIN public.accounts AS a ON a.user_id = u.id AND a.code = 'USER_WALLET'
    WHERE u.id = ANY (p_user_ids) OR u.msisdn = ANY (p_msisdns);
END
$parties$;
ALTER FUNCTION public.find_parties OWNER TO cycle_kernel;
REVOKE ALL ON FUNCTION public.find_parties FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.find_parties TO cycle_app;
