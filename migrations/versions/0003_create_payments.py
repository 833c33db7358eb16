"""Create what M-Pesa needs: payments, the inbox of callbacks, pauses of payouts, float readings."""

from alembic import op

from migrations.sql import run_script

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_script("0003_payments.sql")


def downgrade() -> None:
    op.execute("DROP TABLE float_readings, payout_pauses, mpesa_callbacks, payments")
