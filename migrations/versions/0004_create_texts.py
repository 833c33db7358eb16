"""Create inbound texts, delivery reports, pauses of a channel and e-mail receipts."""

from alembic import op

from migrations.sql import run_script

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_script("0004_texts.sql")


def downgrade() -> None:
    op.execute("DROP TRIGGER add_email_receipt ON outbox")
    op.execute("DROP FUNCTION add_email_receipt")
    op.execute("DROP INDEX outbox_failed")
    op.execute("ALTER TABLE outbox DROP COLUMN retry_of")
    op.execute("DROP TABLE outbox_channels, sms_reports, inbound_sms")
