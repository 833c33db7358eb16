"""Run reconciliation's heavy join as the kernel, without a policy's question for each row."""

from alembic import op

from migrations.sql import run_script

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_script("0010_matching.sql")


def downgrade() -> None:
    op.execute(
        "DROP INDEX payments_unheard, mpesa_records_undone, mpesa_records_payment,"
        " mpesa_records_account_reference"
    )
    op.execute("DROP FUNCTION reconciliation_differences")
    op.execute("DROP POLICY kernel ON mpesa_records")
    op.execute("DROP POLICY kernel ON statement_uploads")
    op.execute("REVOKE SELECT ON mpesa_records, statement_uploads FROM cycle_kernel")
