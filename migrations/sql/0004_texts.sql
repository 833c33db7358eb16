-- Texts that customers send, delivery reports, pauses of a channel, second tries, e-mail receipts.

-- Stored under the provider's id before it is understood, so a repeated delivery is recognised for
-- ever. The body has lost what looks like a PIN.
CREATE TABLE inbound_sms (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT inbound_sms_pkey PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_at timestamptz,
    due_at timestamptz NOT NULL DEFAULT now(),
    processed_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    provider_id text NOT NULL CONSTRAINT inbound_sms_provider_id_unique UNIQUE
        CONSTRAINT inbound_sms_provider_id_length CHECK (length(provider_id) BETWEEN 1 AND 100),
    sender text NOT NULL CONSTRAINT inbound_sms_sender_length CHECK (length(sender) BETWEEN 1 AND 40),
    recipient text NOT NULL CONSTRAINT inbound_sms_recipient_length CHECK (length(recipient) <= 40),
    body text NOT NULL CONSTRAINT inbound_sms_body_length CHECK (length(body) <= 1000),
    network_code text NOT NULL DEFAULT '',
    held_pin boolean NOT NULL DEFAULT false,
    state text NOT NULL DEFAULT 'received' CONSTRAINT inbound_sms_state_known
        CHECK (state IN ('received', 'processed', 'ignored', 'failed')),
    verdict text
);
CREATE INDEX inbound_sms_waiting ON inbound_sms (due_at, id) WHERE state = 'received';
CREATE INDEX inbound_sms_sender ON inbound_sms (sender, received_at);

-- Reports may come before we have recorded what they are about, so they wait here for it.
CREATE TABLE sms_reports (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT sms_reports_pkey PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_at timestamptz,
    provider_id text NOT NULL CONSTRAINT sms_reports_provider_id_length CHECK (length(provider_id) BETWEEN 1 AND 100),
    status text NOT NULL CONSTRAINT sms_reports_status_length CHECK (length(status) BETWEEN 1 AND 40),
    failure_reason text NOT NULL DEFAULT '' CONSTRAINT sms_reports_reason_length CHECK (length(failure_reason) <= 60),
    network_code text NOT NULL DEFAULT '',
    final_state text CONSTRAINT sms_reports_final_state_known
        CHECK (final_state IN ('delivered', 'failed', 'opted_out')),
    CONSTRAINT sms_reports_once UNIQUE (provider_id, status, failure_reason)
);
CREATE INDEX sms_reports_waiting ON sms_reports (id) WHERE applied_at IS NULL;

-- A provider that is down or unpaid stops its channel as a whole: rows wait and lose no try.
CREATE TABLE outbox_channels (
    channel text NOT NULL CONSTRAINT outbox_channels_pkey PRIMARY KEY,
    since timestamptz,
    paused_until timestamptz,
    failures integer NOT NULL DEFAULT 0,
    reason text,
    CONSTRAINT outbox_channels_pause_has_reason CHECK ((failures > 0) = (reason IS NOT NULL))
);
INSERT INTO outbox_channels (channel) VALUES ('sms'), ('email');

-- A receipt that did not arrive is sent once more as a row of its own, so states only go forward.
ALTER TABLE outbox ADD COLUMN retry_of bigint
    CONSTRAINT outbox_retry_fkey REFERENCES outbox (id);
CREATE UNIQUE INDEX outbox_retried_once ON outbox (retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX outbox_failed ON outbox (id) WHERE state = 'failed';

-- Beside each SMS receipt goes an e-mail for whoever has confirmed an address. Here and not in the
-- use-cases, so that it commits with its cause whichever that is.
CREATE FUNCTION add_email_receipt() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO public.outbox (channel, user_id, recipient, template, language, params, transaction_id, payment_id)
    SELECT 'email', NEW.user_id, u.email, NEW.template, NEW.language, NEW.params, NEW.transaction_id, NEW.payment_id
    FROM public.users AS u
    WHERE u.id = NEW.user_id AND u.email IS NOT NULL AND u.email_confirmed_at IS NOT NULL;
    RETURN NULL;
END
$$;
ALTER FUNCTION add_email_receipt() OWNER TO cycle_kernel;
CREATE TRIGGER add_email_receipt AFTER INSERT ON outbox FOR EACH ROW
    WHEN (NEW.channel = 'sms' AND NEW.transaction_id IS NOT NULL AND NEW.user_id IS NOT NULL AND NEW.retry_of IS NULL)
    EXECUTE FUNCTION add_email_receipt();

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['inbound_sms', 'sms_reports', 'outbox_channels'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY system_only ON %I TO cycle_app
            USING (acts_for(NULL)) WITH CHECK (acts_for(NULL))', table_name);
        EXECUTE format('CREATE POLICY auditor ON %I FOR SELECT TO cycle_auditor USING (true)', table_name);
    END LOOP;
END
$$;
GRANT SELECT ON inbound_sms, sms_reports, outbox_channels TO cycle_auditor;
GRANT SELECT, INSERT, UPDATE ON inbound_sms, sms_reports, outbox_channels TO cycle_app;
