"""Let a dated limit allow withdrawals to another number; without such a row they are closed."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    # Both checks get wider only, so a running older release notices nothing. A row of noughts
    # closes the way again.
    op.execute("""
        ALTER TABLE limit_rules
            DROP CONSTRAINT limit_rules_kind_known,
            DROP CONSTRAINT limit_rules_minimum_positive,
            ADD CONSTRAINT limit_rules_kind_known CHECK (kind IN
                ('deposit', 'withdrawal', 'withdrawal_other', 'transfer', 'wallet')),
            ADD CONSTRAINT limit_rules_minimum_positive
                CHECK (minimum > 0 OR (kind = 'withdrawal_other' AND daily = 0))
    """)


def downgrade() -> None:
    op.execute("""
        ALTER TABLE limit_rules DISABLE TRIGGER append_only;
        DELETE FROM limit_rules WHERE kind = 'withdrawal_other';
        ALTER TABLE limit_rules ENABLE TRIGGER append_only;
        ALTER TABLE limit_rules
            DROP CONSTRAINT limit_rules_kind_known,
            DROP CONSTRAINT limit_rules_minimum_positive,
            ADD CONSTRAINT limit_rules_kind_known
                CHECK (kind IN ('deposit', 'withdrawal', 'transfer', 'wallet')),
            ADD CONSTRAINT limit_rules_minimum_positive CHECK (minimum > 0)
    """)
