-- Payments over M-Pesa, the inbox of what Daraja posts to us, pauses of payouts, float readings.

-- A row and its token are committed before anything is sent, so that a callback always finds a home.
-- Each identifier is unique whatever the kind: one receipt can pay for one thing only.
CREATE TABLE payments (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT payments_pkey PRIMARY KEY,
    user_id bigint CONSTRAINT payments_user_fkey REFERENCES users (id),
    amount bigint NOT NULL CONSTRAINT payments_amount_positive CHECK (amount > 0),
    fee bigint NOT NULL DEFAULT 0 CONSTRAINT payments_fee_not_negative CHECK (fee >= 0),
    transaction_id bigint CONSTRAINT payments_transaction_fkey REFERENCES transactions (id),
    hold_transaction_id bigint CONSTRAINT payments_hold_fkey REFERENCES transactions (id),
    reverses_payment_id bigint CONSTRAINT payments_reverses_fkey REFERENCES payments (id),
    due_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    submitted_at timestamptz,
    paid_at timestamptz,
    settled_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    questions integer NOT NULL DEFAULT 0,
    kind text NOT NULL CONSTRAINT payments_kind_known
        CHECK (kind IN ('deposit', 'withdrawal', 'paybill', 'reversal')),
    state text NOT NULL DEFAULT 'created' CONSTRAINT payments_state_known CHECK (state IN
        ('created', 'submitting', 'pending', 'completed', 'failed', 'expired', 'unknown')),
    msisdn text,
    token text NOT NULL CONSTRAINT payments_token_unique UNIQUE,
    account_reference text NOT NULL,
    source text NOT NULL,
    reference text NOT NULL CONSTRAINT payments_reference_length CHECK (length(reference) BETWEEN 1 AND 200),
    channel text NOT NULL,
    checkout_request_id text CONSTRAINT payments_checkout_unique UNIQUE,
    merchant_request_id text,
    originator_conversation_id text CONSTRAINT payments_originator_unique UNIQUE,
    conversation_id text CONSTRAINT payments_conversation_unique UNIQUE,
    mpesa_receipt text CONSTRAINT payments_mpesa_receipt_unique UNIQUE,
    result_code text,
    result_text text,
    settled_by text,
    payer_name text,
    suspense_reason text,
    suspense_resolution text,
    review_reason text,
    CONSTRAINT payments_source_reference_unique UNIQUE (source, reference),
    CONSTRAINT payments_has_user CHECK (kind IN ('paybill', 'reversal') OR user_id IS NOT NULL),
    CONSTRAINT payments_completed_is_posted CHECK (state <> 'completed' OR transaction_id IS NOT NULL)
);
-- What a deposit's payer sees and what Pull and a twin confirmation carry back: never twice.
CREATE UNIQUE INDEX payments_account_reference_unique ON payments (account_reference)
    WHERE kind <> 'paybill';
CREATE INDEX payments_due ON payments (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX payments_user ON payments (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX payments_prompts ON payments (msisdn, created_at) WHERE kind = 'deposit';
CREATE INDEX payments_reverses ON payments (reverses_payment_id) WHERE reverses_payment_id IS NOT NULL;
CREATE INDEX payments_review ON payments (id) WHERE review_reason IS NOT NULL OR suspense_reason IS NOT NULL;

-- Everything Daraja (or anybody else) posts, redacted but otherwise raw, before it is understood.
CREATE TABLE mpesa_callbacks (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT mpesa_callbacks_pkey PRIMARY KEY,
    payment_id bigint CONSTRAINT mpesa_callbacks_payment_fkey REFERENCES payments (id),
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    processed_at timestamptz,
    due_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    kind text NOT NULL,
    token text NOT NULL,
    body bytea NOT NULL CONSTRAINT mpesa_callbacks_body_size CHECK (length(body) <= 70000),
    body_digest bytea NOT NULL,
    headers jsonb NOT NULL,
    remote_address text,
    state text NOT NULL DEFAULT 'received' CONSTRAINT mpesa_callbacks_state_known
        CHECK (state IN ('received', 'processed', 'quarantined', 'unreadable')),
    verdict text
);
CREATE INDEX mpesa_callbacks_waiting ON mpesa_callbacks (due_at, id) WHERE state = 'received';
CREATE INDEX mpesa_callbacks_payment ON mpesa_callbacks (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX mpesa_callbacks_quarantine ON mpesa_callbacks (id) WHERE state IN ('quarantined', 'unreadable');

-- Payouts stop as long as a row without resumed_at stands here.
CREATE TABLE payout_pauses (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT payout_pauses_pkey PRIMARY KEY,
    payment_id bigint CONSTRAINT payout_pauses_payment_fkey REFERENCES payments (id),
    paused_at timestamptz NOT NULL DEFAULT now(),
    resumed_at timestamptz,
    reason text NOT NULL,
    result_code text NOT NULL,
    resumed_by text
);
CREATE UNIQUE INDEX payout_pauses_one_open ON payout_pauses (reason) WHERE resumed_at IS NULL;

-- The organisation's own M-Pesa accounts over time; a row is written when the question is asked.
CREATE TABLE float_readings (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT float_readings_pkey PRIMARY KEY,
    asked_at timestamptz NOT NULL DEFAULT now(),
    read_at timestamptz,
    working bigint,
    utility bigint,
    charges_paid bigint,
    ledger_cash bigint,
    shortcode text NOT NULL,
    token text NOT NULL CONSTRAINT float_readings_token_unique UNIQUE,
    state text NOT NULL DEFAULT 'asked' CONSTRAINT float_readings_state_known
        CHECK (state IN ('asked', 'read', 'failed')),
    failure text
);
CREATE INDEX float_readings_series ON float_readings (shortcode, asked_at DESC);

ALTER TABLE payments ENABLE ROW LEVEL SECURITY;
ALTER TABLE payments FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON payments TO cycle_app USING (acts_for(user_id)) WITH CHECK (acts_for(user_id));
CREATE POLICY kernel ON payments TO cycle_kernel USING (true) WITH CHECK (true);
CREATE POLICY auditor ON payments FOR SELECT TO cycle_auditor USING (true);

-- The inbox takes a row from anyone in one statement, without a context; only the system and
-- admins may look into it.
ALTER TABLE mpesa_callbacks ENABLE ROW LEVEL SECURITY;
ALTER TABLE mpesa_callbacks FORCE ROW LEVEL SECURITY;
CREATE POLICY anyone_may_post ON mpesa_callbacks FOR INSERT TO cycle_app WITH CHECK (true);
CREATE POLICY system_reads ON mpesa_callbacks FOR SELECT TO cycle_app USING (acts_for(NULL));
CREATE POLICY system_settles ON mpesa_callbacks FOR UPDATE TO cycle_app USING (acts_for(NULL));
CREATE POLICY auditor ON mpesa_callbacks FOR SELECT TO cycle_auditor USING (true);

GRANT SELECT ON payments, mpesa_callbacks, payout_pauses, float_readings TO cycle_app, cycle_auditor;
GRANT INSERT, UPDATE ON payments, mpesa_callbacks, payout_pauses, float_readings TO cycle_app;
