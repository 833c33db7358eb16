-- How a customer's USSD session went, for support: when, over which network, which screens, how it ended.
-- Never what was typed. A session is known by a keyed digest, so that a repeated event adds nothing.
CREATE TABLE ussd_sessions (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT ussd_sessions_pkey PRIMARY KEY,
    user_id bigint NOT NULL CONSTRAINT ussd_sessions_user_fkey REFERENCES users (id),
    began_at timestamptz NOT NULL,
    seconds integer NOT NULL CONSTRAINT ussd_sessions_seconds_bounded CHECK (seconds BETWEEN 0 AND 3600),
    digest text NOT NULL CONSTRAINT ussd_sessions_once UNIQUE,
    network text NOT NULL,
    outcome text NOT NULL CONSTRAINT ussd_sessions_outcome_known
        CHECK (outcome IN ('completed', 'hung_up', 'timed_out', 'failed')),
    screens text[] NOT NULL CONSTRAINT ussd_sessions_screens_bounded CHECK (cardinality(screens) <= 100)
);
CREATE INDEX ussd_sessions_user ON ussd_sessions (user_id, id);

ALTER TABLE ussd_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE ussd_sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY staff_only ON ussd_sessions TO cycle_app USING (acts_for(NULL)) WITH CHECK (acts_for(NULL));
CREATE POLICY auditor ON ussd_sessions FOR SELECT TO cycle_auditor USING (true);
GRANT SELECT, INSERT ON ussd_sessions TO cycle_app;
GRANT SELECT ON ussd_sessions TO cycle_auditor;
