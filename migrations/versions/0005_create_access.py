"""Create what lets people in: one-time codes, devices, sessions, admins and their roles."""

from alembic import op

from migrations.sql import run_script

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_script("0005_access.sql")


def downgrade() -> None:
    op.execute("""
        DROP TABLE console_sessions, admin_roles, api_refresh_tokens, api_sessions, api_devices,
            one_time_codes, admins
    """)
