"""Index the outbox by time, so that figures of a day read a day."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    # Rows come in order of time, so block ranges are enough and cost nearly nothing to keep.
    op.execute("CREATE INDEX outbox_created_at ON outbox USING brin (created_at)")


def downgrade() -> None:
    op.execute("DROP INDEX outbox_created_at")
