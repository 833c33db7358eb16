"""Create users, the chart of accounts, the append-only ledger, audit log and outbox."""

from alembic import op

from migrations.sql import run_script

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_script("0001_ledger.sql")


def downgrade() -> None:
    op.execute("""
        DROP TABLE tariff_bands, limit_rules, idempotency_keys, outbox, audit_seals, audit_unsealed,
            audit_log, daily_usage, balance_deltas, balance_checkpoints, postings, transactions,
            accounts, account_codes, users
    """)
    op.execute("""
        DROP FUNCTION acts_for, check_new_account, create_posting_partitions, check_reversal,
            check_postings_balance, refuse_change
    """)
