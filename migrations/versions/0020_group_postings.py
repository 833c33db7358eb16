"""Post together what is asked for at once; queue messages where they cost the poster least."""

from alembic import op

from migrations.sql import run_script

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_script("0020_postings.sql")
    run_script("0020_kernel.sql")


def downgrade() -> None:
    op.execute("LOCK TABLE outbox_intake IN ACCESS EXCLUSIVE MODE")
    op.execute("SELECT fill_outbox(NULL)")
    run_script("0020_down.sql")
    run_script("0019_kernel.sql")
