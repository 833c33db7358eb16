-- Who may come in by the JSON API and the console: one-time codes, devices, sessions, admins.

-- One-time codes ------------------------------------------------------------------------------

-- The code itself is nowhere: it is an HMAC of the nonce under PIN_PEPPER, made again when the SMS
-- is rendered and when the customer types it. A number without a customer gets a row as well and
-- no SMS, so that answers don't tell who is registered.
CREATE TABLE one_time_codes (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT one_time_codes_pkey PRIMARY KEY,
    msisdn text NOT NULL CONSTRAINT one_time_codes_msisdn_form CHECK (msisdn ~ '^\+254[17][0-9]{8}$'),
    purpose text NOT NULL CONSTRAINT one_time_codes_purpose_known CHECK (purpose IN ('registration', 'login')),
    nonce bytea NOT NULL CONSTRAINT one_time_codes_nonce_length CHECK (length(nonce) = 16),
    wrong_tries integer NOT NULL DEFAULT 0 CONSTRAINT one_time_codes_tries_range CHECK (wrong_tries BETWEEN 0 AND 5),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX one_time_codes_newest ON one_time_codes (msisdn, purpose, id DESC);

-- Customers' devices and sessions --------------------------------------------------------------

CREATE TABLE api_devices (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT api_devices_pkey PRIMARY KEY,
    user_id bigint NOT NULL CONSTRAINT api_devices_user_fkey REFERENCES users (id),
    token_digest bytea NOT NULL CONSTRAINT api_devices_token_unique UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE INDEX api_devices_user ON api_devices (user_id);

-- A session is a family of refresh tokens: each is used once, and a second use ends the family.
CREATE TABLE api_sessions (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT api_sessions_pkey PRIMARY KEY,
    user_id bigint CONSTRAINT api_sessions_user_fkey REFERENCES users (id),
    admin_id bigint,
    device_id bigint CONSTRAINT api_sessions_device_fkey REFERENCES api_devices (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    revoked_because text,
    CONSTRAINT api_sessions_one_owner CHECK ((user_id IS NULL) <> (admin_id IS NULL)),
    CONSTRAINT api_sessions_revoked_says_why CHECK ((revoked_at IS NULL) = (revoked_because IS NULL))
);
CREATE INDEX api_sessions_user ON api_sessions (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE api_refresh_tokens (
    token_digest bytea NOT NULL CONSTRAINT api_refresh_tokens_pkey PRIMARY KEY,
    session_id bigint NOT NULL CONSTRAINT api_refresh_tokens_session_fkey REFERENCES api_sessions (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX api_refresh_tokens_session ON api_refresh_tokens (session_id);

-- Staff ----------------------------------------------------------------------------------------

CREATE TABLE admins (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT admins_pkey PRIMARY KEY,
    email text NOT NULL CONSTRAINT admins_email_unique UNIQUE
        CONSTRAINT admins_email_form CHECK (email = lower(email) AND email ~ '^[^@\s]+@[^@\s]+$'),
    password_hash text NOT NULL,
    status text NOT NULL DEFAULT 'active' CONSTRAINT admins_status_known CHECK (status IN ('active', 'disabled')),
    totp_sealed text,
    totp_enrolled_at timestamptz,
    totp_last_step bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0 CONSTRAINT admins_failures_range CHECK (failures >= 0),
    locked_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT admins_enrolled_has_secret CHECK (totp_enrolled_at IS NULL OR totp_sealed IS NOT NULL)
);
ALTER TABLE api_sessions ADD CONSTRAINT api_sessions_admin_fkey FOREIGN KEY (admin_id) REFERENCES admins (id);

CREATE TABLE admin_roles (
    admin_id bigint NOT NULL CONSTRAINT admin_roles_admin_fkey REFERENCES admins (id),
    role text NOT NULL CONSTRAINT admin_roles_role_known CHECK (role IN ('admin', 'finance', 'support', 'auditor')),
    granted_by text NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT admin_roles_pkey PRIMARY KEY (admin_id, role)
);

CREATE TABLE console_sessions (
    token_digest bytea NOT NULL CONSTRAINT console_sessions_pkey PRIMARY KEY,
    admin_id bigint NOT NULL CONSTRAINT console_sessions_admin_fkey REFERENCES admins (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);
CREATE INDEX console_sessions_admin ON console_sessions (admin_id);

-- Who may see and write what -------------------------------------------------------------------

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['one_time_codes', 'api_devices', 'api_sessions', 'api_refresh_tokens',
            'admins', 'admin_roles', 'console_sessions'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        -- acts_for(NULL): only the system and admins, never a customer's own context.
        EXECUTE format('CREATE POLICY staff_only ON %I TO cycle_app
            USING (acts_for(NULL)) WITH CHECK (acts_for(NULL))', table_name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO cycle_app', table_name);
    END LOOP;
END
$$;
GRANT DELETE ON one_time_codes, admin_roles TO cycle_app;
