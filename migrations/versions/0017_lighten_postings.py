"""Lighten what each posting pays for: cached rules, one trigger less, a kernel to match."""

from migrations.sql import run_script

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_script("0017_postings.sql")
    run_script("0017_kernel.sql")


def downgrade() -> None:
    run_script("0017_down.sql")
    run_script("0002_kernel.sql")
