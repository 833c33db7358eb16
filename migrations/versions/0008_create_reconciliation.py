"""Create reconciliation: facts of M-Pesa, runs, and the items that they find."""

from alembic import op

from migrations.sql import run_script

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_script("0008_reconciliation.sql")


def downgrade() -> None:
    op.execute("""
        DROP TABLE reconciliation_items, reconciliation_runs, mpesa_records, statement_uploads
    """)
    op.execute("DROP FUNCTION json_of, cents_of, moment_of, nairobi_date")
