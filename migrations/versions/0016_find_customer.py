"""Find the customer behind a number in one statement: every session begins with it."""

from alembic import op

from migrations.sql import run_script

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_script("0016_find_customer.sql")


def downgrade() -> None:
    op.execute("DROP FUNCTION find_customer")
