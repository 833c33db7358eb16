"""Spare each posting the reading of all users and of rules as text."""

from alembic import op

from migrations.sql import run_script

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_script("0019_postings.sql")
    run_script("0019_kernel.sql")


def downgrade() -> None:
    op.execute("DROP FUNCTION find_parties(bigint[], text[])")
    run_script("0019_down.sql")
    run_script("0017_kernel.sql")
