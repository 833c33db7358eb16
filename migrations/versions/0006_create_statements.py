"""Create statements, the digests of their files, and the record of organisation mail."""

from alembic import op

from migrations.sql import run_script

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_script("0006_statements.sql")


def downgrade() -> None:
    op.execute("DROP TABLE organisation_mails, statement_files, statements")
