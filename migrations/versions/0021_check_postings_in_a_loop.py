"""Check what each posting must keep to for less: a loop over its rows instead of aggregates."""

from migrations.sql import run_script

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_script("0021_postings.sql")
    run_script("0021_kernel.sql")


def downgrade() -> None:
    run_script("0021_down.sql")
    run_script("0020_kernel.sql")
