"""Keep how customers' USSD sessions went, for the console's timeline."""

from alembic import op

from migrations.sql import run_script

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_script("0014_keep_sessions.sql")


def downgrade() -> None:
    op.execute("DROP TABLE ussd_sessions")
