"""Find a paybill's announcement by its receipt; write once about each stop of payouts."""

from alembic import op

from migrations.sql import run_script

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_script("0011_announcements.sql")


def downgrade() -> None:
    op.execute("ALTER TABLE payout_pauses DROP COLUMN alarmed_at")
    op.execute("ALTER TABLE mpesa_callbacks DROP COLUMN mpesa_receipt")
