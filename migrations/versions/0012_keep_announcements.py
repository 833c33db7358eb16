"""Find a paybill's announcement by its receipt; write once about each stop of payouts."""

from alembic import op

from migrations.sql import run_script

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_script("0012_announcements.sql")


def downgrade() -> None:
    op.execute("ALTER TABLE payout_pauses DROP COLUMN alarmed_at")
    op.execute("ALTER TABLE mpesa_callbacks DROP COLUMN mpesa_receipt")
