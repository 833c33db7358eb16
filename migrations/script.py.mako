"""${message}

Additive only: the release before this one must keep working on the new schema.
"""

from migrations.sql import run_script

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    run_script("${up_revision}.sql")


def downgrade() -> None:
    ${downgrades if downgrades else "raise RuntimeError('write the way back')"}
