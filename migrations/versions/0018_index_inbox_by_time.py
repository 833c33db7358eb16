"""Index the inbox by time, so that an hourly reconciliation reads hours and not years."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    # A processed body is a new row version further back: several ranges a block keep it findable.
    op.execute(
        "CREATE INDEX mpesa_callbacks_received_at ON mpesa_callbacks"
        " USING brin (received_at timestamptz_minmax_multi_ops)"
    )


def downgrade() -> None:
    op.execute("DROP INDEX mpesa_callbacks_received_at")
