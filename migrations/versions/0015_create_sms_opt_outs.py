"""Remember numbers without a wallet that want no SMS; customers' wish stands beside their name."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE sms_opt_outs (
            msisdn text NOT NULL CONSTRAINT sms_opt_outs_pkey PRIMARY KEY,
            created_at timestamptz NOT NULL DEFAULT now()
        );
        ALTER TABLE sms_opt_outs ENABLE ROW LEVEL SECURITY;
        ALTER TABLE sms_opt_outs FORCE ROW LEVEL SECURITY;
        CREATE POLICY system_only ON sms_opt_outs TO cycle_app
            USING (acts_for(NULL)) WITH CHECK (acts_for(NULL));
        CREATE POLICY auditor ON sms_opt_outs FOR SELECT TO cycle_auditor USING (true);
        GRANT SELECT ON sms_opt_outs TO cycle_auditor;
        GRANT SELECT, INSERT, DELETE ON sms_opt_outs TO cycle_app;
    """)


def downgrade() -> None:
    op.execute("DROP TABLE sms_opt_outs")
