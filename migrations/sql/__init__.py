"""The SQL of the migrations, one script each, run as it stands."""

from importlib.resources import files

from alembic import op


def run_script(name: str) -> None:
    """Run one script of this folder inside the current migration's transaction."""
    # Straight to the driver: SQLAlchemy would read % and : as placeholders.
    op.get_bind().connection.driver_connection.execute(
        files(__package__).joinpath(name).read_text("utf-8")
    )
