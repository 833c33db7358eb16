-- What the phone's journeys leave behind: requests for money, complaints, looked-up names, PIN resets.

-- A request moves nothing: the payer approves it by a transfer whose key is the request's id.
CREATE TABLE money_requests (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT money_requests_pkey PRIMARY KEY,
    requester_id bigint NOT NULL CONSTRAINT money_requests_requester_fkey REFERENCES users (id),
    payer_id bigint NOT NULL CONSTRAINT money_requests_payer_fkey REFERENCES users (id),
    amount bigint NOT NULL CONSTRAINT money_requests_amount_positive CHECK (amount > 0),
    state text NOT NULL DEFAULT 'open' CONSTRAINT money_requests_state_known
        CHECK (state IN ('open', 'paid', 'declined')),
    source text NOT NULL,
    reference text NOT NULL CONSTRAINT money_requests_reference_length CHECK (length(reference) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    settled_at timestamptz,
    transaction_id bigint CONSTRAINT money_requests_transaction_fkey REFERENCES transactions (id),
    CONSTRAINT money_requests_source_reference_unique UNIQUE (source, reference),
    CONSTRAINT money_requests_two_people CHECK (requester_id <> payer_id),
    CONSTRAINT money_requests_settled_when_not_open CHECK ((state = 'open') = (settled_at IS NULL)),
    CONSTRAINT money_requests_paid_by_transaction CHECK ((state = 'paid') = (transaction_id IS NOT NULL))
);
CREATE INDEX money_requests_payer ON money_requests (payer_id, id) WHERE state = 'open';
CREATE INDEX money_requests_requester ON money_requests (requester_id, created_at);

CREATE TABLE tickets (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT tickets_pkey PRIMARY KEY,
    number text NOT NULL CONSTRAINT tickets_number_unique UNIQUE
        CONSTRAINT tickets_number_length CHECK (length(number) = 7),
    user_id bigint NOT NULL CONSTRAINT tickets_user_fkey REFERENCES users (id),
    receipt text CONSTRAINT tickets_receipt_length CHECK (length(receipt) = 10),
    body text NOT NULL CONSTRAINT tickets_body_length CHECK (length(body) BETWEEN 1 AND 200),
    state text NOT NULL DEFAULT 'open' CONSTRAINT tickets_state_known CHECK (state IN ('open', 'closed')),
    source text NOT NULL,
    reference text NOT NULL CONSTRAINT tickets_reference_length CHECK (length(reference) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    closed_by text,
    CONSTRAINT tickets_source_reference_unique UNIQUE (source, reference),
    CONSTRAINT tickets_closed_says_by_whom CHECK ((state = 'closed') = (closed_at IS NOT NULL)
        AND (closed_at IS NULL) = (closed_by IS NULL))
);
CREATE INDEX tickets_open ON tickets (id) WHERE state = 'open';
CREATE INDEX tickets_user ON tickets (user_id, id);

-- Whose name a customer was shown today, and whether a payment followed: five names that were
-- shown for nothing end the day's look-ups, so nobody harvests names by number.
CREATE TABLE name_lookups (
    user_id bigint NOT NULL CONSTRAINT name_lookups_user_fkey REFERENCES users (id),
    day date NOT NULL,
    msisdn_hash text NOT NULL,
    paid boolean NOT NULL DEFAULT false,
    CONSTRAINT name_lookups_pkey PRIMARY KEY (user_id, day, msisdn_hash)
);

-- Every try to replace a forgotten PIN. The start PIN itself is nowhere: it is an HMAC of the nonce
-- under PIN_PEPPER, made again when the SMS is rendered.
CREATE TABLE pin_resets (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pin_resets_pkey PRIMARY KEY,
    user_id bigint NOT NULL CONSTRAINT pin_resets_user_fkey REFERENCES users (id),
    identified boolean NOT NULL,
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pin_resets_identified_expires CHECK (identified = (expires_at IS NOT NULL))
);
CREATE INDEX pin_resets_user ON pin_resets (user_id, created_at);

-- Who may see and write what -------------------------------------------------------------------

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['money_requests', 'tickets', 'name_lookups', 'pin_resets'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY auditor ON %I FOR SELECT TO cycle_auditor USING (true)', table_name);
        EXECUTE format('GRANT SELECT ON %I TO cycle_auditor', table_name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO cycle_app', table_name);
    END LOOP;
    FOREACH table_name IN ARRAY ARRAY['tickets', 'name_lookups', 'pin_resets'] LOOP
        EXECUTE format('CREATE POLICY own_rows ON %I TO cycle_app
            USING (acts_for(user_id)) WITH CHECK (acts_for(user_id))', table_name);
    END LOOP;
END
$$;
-- Both sides see a request; only the payer, or we, settle it.
CREATE POLICY own_rows ON money_requests FOR SELECT TO cycle_app
    USING (acts_for(requester_id) OR acts_for(payer_id));
CREATE POLICY asked_by_us ON money_requests FOR INSERT TO cycle_app WITH CHECK (acts_for(NULL));
CREATE POLICY settled_by_payer ON money_requests FOR UPDATE TO cycle_app
    USING (acts_for(payer_id)) WITH CHECK (acts_for(payer_id));
GRANT UPDATE (state, settled_at, transaction_id) ON money_requests TO cycle_app;
GRANT UPDATE (state, closed_at, closed_by) ON tickets TO cycle_app;
GRANT UPDATE (paid) ON name_lookups TO cycle_app;
GRANT DELETE ON name_lookups TO cycle_app;
