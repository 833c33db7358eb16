"""Find a wallet's transactions with one other customer, for the filter of its history."""

from alembic import op

from migrations.sql import run_script

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run_script("0022_find_counterparty.sql")


def downgrade() -> None:
    op.execute("DROP FUNCTION transactions_with")
