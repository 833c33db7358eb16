"""Create what the phone's journeys leave: money requests, tickets, look-ups, PIN resets."""

from alembic import op

from migrations.sql import run_script

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_script("0007_journeys.sql")


def downgrade() -> None:
    op.execute("DROP TABLE pin_resets, name_lookups, tickets, money_requests")
