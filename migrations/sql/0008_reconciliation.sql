-- Reconciliation: what M-Pesa says happened, runs that compare it with the ledger, what they found.

-- A body that Daraja posted, as JSON; null when it is none. Read in sets by reconciliation only.
CREATE FUNCTION json_of(body bytea) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN convert_from(body, 'UTF8')::jsonb;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$$;

-- What a text says in cents; null when it is no plain amount.
CREATE FUNCTION cents_of(amount text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN amount ~ '^-?[0-9]{1,12}([.][0-9]+)?$' THEN round(amount::numeric * 100)::bigint END
$$;

-- A time as Daraja writes it, fourteen digits in Nairobi; null when it is none.
CREATE FUNCTION moment_of(digits text) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF digits !~ '^[0-9]{14}$' THEN
        RETURN NULL;
    END IF;
    RETURN make_timestamptz(substr(digits, 1, 4)::int, substr(digits, 5, 2)::int, substr(digits, 7, 2)::int,
        substr(digits, 9, 2)::int, substr(digits, 11, 2)::int, substr(digits, 13, 2)::int, 'Africa/Nairobi');
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$$;

CREATE FUNCTION nairobi_date(moment timestamptz) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT (moment AT TIME ZONE 'Africa/Nairobi')::date
$$;

-- A file that a person exported from the M-Pesa organisation portal.
CREATE TABLE statement_uploads (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT statement_uploads_pkey PRIMARY KEY,
    uploaded_at timestamptz NOT NULL DEFAULT now(),
    covers_from timestamptz NOT NULL,
    covers_to timestamptz NOT NULL,
    row_count bigint NOT NULL,
    opening_balance bigint,
    closing_balance bigint,
    moved bigint NOT NULL,
    filename text NOT NULL,
    body_digest bytea NOT NULL CONSTRAINT statement_uploads_once UNIQUE,
    uploaded_by text NOT NULL,
    CONSTRAINT statement_uploads_ordered CHECK (covers_from <= covers_to)
);

-- Facts of M-Pesa, whoever told them. amount > 0 came to us, amount < 0 left us.
CREATE TABLE mpesa_records (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT mpesa_records_pkey PRIMARY KEY,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    amount bigint NOT NULL CONSTRAINT mpesa_records_amount_not_zero CHECK (amount <> 0),
    payment_id bigint,
    callback_id bigint,
    upload_id bigint CONSTRAINT mpesa_records_upload_fkey REFERENCES statement_uploads (id),
    source text NOT NULL CONSTRAINT mpesa_records_source_known
        CHECK (source IN ('callback', 'status', 'pull', 'statement')),
    kind text NOT NULL DEFAULT 'payment' CONSTRAINT mpesa_records_kind_known
        CHECK (kind IN ('payment', 'charge')),
    verdict text NOT NULL DEFAULT 'completed' CONSTRAINT mpesa_records_verdict_known
        CHECK (verdict IN ('completed', 'failed', 'reversed')),
    receipt text NOT NULL,
    reverses text,
    account_reference text,
    party text,
    CONSTRAINT mpesa_records_once UNIQUE (receipt, source, kind, amount)
);
CREATE INDEX mpesa_records_occurred ON mpesa_records (occurred_at);
CREATE INDEX mpesa_records_reverses ON mpesa_records (reverses) WHERE reverses IS NOT NULL;
CREATE INDEX mpesa_records_callback ON mpesa_records (callback_id) WHERE callback_id IS NOT NULL;

CREATE TABLE reconciliation_runs (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT reconciliation_runs_pkey PRIMARY KEY,
    requested_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    window_start timestamptz,
    window_end timestamptz,
    kind text NOT NULL CONSTRAINT reconciliation_runs_kind_known CHECK (kind IN ('mpesa', 'ledger')),
    state text NOT NULL DEFAULT 'requested' CONSTRAINT reconciliation_runs_state_known
        CHECK (state IN ('requested', 'running', 'completed', 'warning', 'incomplete', 'failed')),
    requested_by text NOT NULL,
    sources jsonb NOT NULL DEFAULT '{}',
    found jsonb NOT NULL DEFAULT '{}',
    new_items bigint NOT NULL DEFAULT 0,
    problem text
);
CREATE INDEX reconciliation_runs_waiting ON reconciliation_runs (id) WHERE state = 'requested';

CREATE TABLE reconciliation_items (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT reconciliation_items_pkey PRIMARY KEY,
    found_at timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    first_run_id bigint NOT NULL CONSTRAINT reconciliation_items_first_run_fkey REFERENCES reconciliation_runs (id),
    last_run_id bigint NOT NULL CONSTRAINT reconciliation_items_last_run_fkey REFERENCES reconciliation_runs (id),
    payment_id bigint,
    transaction_id bigint,
    expected bigint,
    actual bigint,
    day date NOT NULL,
    category text NOT NULL CONSTRAINT reconciliation_items_category_known CHECK (category IN (
        'missing_ledger', 'missing_callback', 'amount_mismatch', 'status_mismatch',
        'missing_external', 'duplicate_receipt', 'control_total', 'ledger_check')),
    subject text NOT NULL,
    receipt text,
    detail text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CONSTRAINT reconciliation_items_state_known
        CHECK (state IN ('pending', 'resolved', 'ignored')),
    notes text,
    resolver text,
    proposed_action text,
    proposed_by text,
    proposed_notes text,
    resolution_transaction_id bigint,
    CONSTRAINT reconciliation_items_once UNIQUE (category, subject, day),
    CONSTRAINT reconciliation_items_closed_says_why CHECK (
        (state = 'pending') = (resolved_at IS NULL) AND (state = 'pending') = (notes IS NULL)
        AND (state = 'pending') = (resolver IS NULL))
);
CREATE INDEX reconciliation_items_pending ON reconciliation_items (id) WHERE state = 'pending';
CREATE INDEX reconciliation_items_run ON reconciliation_items (last_run_id);

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['statement_uploads', 'mpesa_records', 'reconciliation_runs',
            'reconciliation_items'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY staff_only ON %I TO cycle_app
            USING (acts_for(NULL)) WITH CHECK (acts_for(NULL))', table_name);
        EXECUTE format('CREATE POLICY auditor ON %I FOR SELECT TO cycle_auditor USING (true)', table_name);
        EXECUTE format('GRANT SELECT ON %I TO cycle_app, cycle_auditor', table_name);
        EXECUTE format('GRANT INSERT, UPDATE ON %I TO cycle_app', table_name);
    END LOOP;
END
$$;
