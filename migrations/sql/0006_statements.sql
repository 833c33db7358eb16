-- Statements that were issued or are to be mailed, the files that came of them, organisation mail.

CREATE TABLE statements (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT statements_pkey PRIMARY KEY,
    user_id bigint CONSTRAINT statements_user_fkey REFERENCES users (id),
    account_id bigint NOT NULL CONSTRAINT statements_account_fkey REFERENCES accounts (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz,
    sent_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    first_day date NOT NULL,
    last_day date NOT NULL,
    reference text NOT NULL CONSTRAINT statements_reference_unique UNIQUE
        CONSTRAINT statements_reference_form CHECK (reference ~ '^[2-9A-HJKMNP-Z]{10}$'),
    format text NOT NULL CONSTRAINT statements_format_known CHECK (format IN ('pdf', 'csv')),
    language text NOT NULL CONSTRAINT statements_language_known CHECK (language IN ('en', 'sw')),
    state text NOT NULL CONSTRAINT statements_state_known
        CHECK (state IN ('issued', 'queued', 'sending', 'sent', 'failed')),
    recipient text,
    actor text NOT NULL,
    channel text NOT NULL,
    source text NOT NULL,
    source_reference text NOT NULL,
    failure_reason text,
    CONSTRAINT statements_days_ordered CHECK (first_day <= last_day),
    CONSTRAINT statements_mailed_has_recipient CHECK ((state = 'issued') = (recipient IS NULL)),
    CONSTRAINT statements_source_unique UNIQUE (source, source_reference)
);
CREATE INDEX statements_due ON statements (due_at, id) WHERE state IN ('queued', 'sending');
CREATE INDEX statements_user ON statements (user_id, created_at) WHERE user_id IS NOT NULL;

-- A mail that may have gone out is made again, so one statement can have several files; each is
-- genuine. Only digests are kept: what a file says can be made again from the ledger.
CREATE TABLE statement_files (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT statement_files_pkey PRIMARY KEY,
    statement_id bigint NOT NULL CONSTRAINT statement_files_statement_fkey REFERENCES statements (id),
    user_id bigint,
    line_count bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    digest bytea NOT NULL CONSTRAINT statement_files_digest_length CHECK (length(digest) = 32),
    entries_digest bytea NOT NULL
);
CREATE INDEX statement_files_statement ON statement_files (statement_id);
CREATE INDEX statement_files_digest ON statement_files (digest);

CREATE TABLE organisation_mails (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT organisation_mails_pkey PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    first_day date NOT NULL,
    last_day date NOT NULL,
    kind text NOT NULL CONSTRAINT organisation_mails_kind_known CHECK (kind IN ('day', 'month')),
    -- From 'sending' on the mail may be out: such a row is never sent again by itself.
    state text NOT NULL DEFAULT 'queued' CONSTRAINT organisation_mails_state_known
        CHECK (state IN ('queued', 'preparing', 'sending', 'sent', 'unknown', 'failed')),
    message_id text,
    failure_reason text,
    CONSTRAINT organisation_mails_once UNIQUE (kind, first_day)
);

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['statements', 'statement_files', 'organisation_mails'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY auditor ON %I FOR SELECT TO cycle_auditor USING (true)', table_name);
    END LOOP;
END
$$;
CREATE POLICY own_rows ON statements TO cycle_app USING (acts_for(user_id)) WITH CHECK (acts_for(user_id));
CREATE POLICY own_rows ON statement_files TO cycle_app USING (acts_for(user_id)) WITH CHECK (acts_for(user_id));
CREATE POLICY system_only ON organisation_mails TO cycle_app USING (acts_for(NULL)) WITH CHECK (acts_for(NULL));
GRANT SELECT ON statements, statement_files, organisation_mails TO cycle_app, cycle_auditor;
GRANT INSERT, UPDATE ON statements, organisation_mails TO cycle_app;
GRANT INSERT ON statement_files TO cycle_app;
