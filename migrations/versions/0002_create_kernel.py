"""Create the posting kernel: the functions that alone write the ledger."""

from alembic import op

from migrations.sql import run_script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_script("0002_kernel.sql")


def downgrade() -> None:
    op.execute("""
        DROP FUNCTION find_parties, seal_audit, audit_digest, fold_balance_deltas, record_audit,
            set_account_status, open_wallet, post_transaction, why_refused
    """)
