"""Run the Alembic migrations in-process: no configuration file, one URL."""

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic and SQLAlchemy take 0.3 s to import and are for the release alone: the functions
# that migrate import them, as every web process imports this module for its newest revision.


def _config(owner_url: str) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    config.attributes["database_url"] = owner_url.replace(
        "postgresql://", "postgresql+psycopg://", 1
    )
    return config


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Bring a database up to a revision; a database already there is left alone."""
    from alembic import command

    command.upgrade(_config(owner_url), revision)


def downgrade(owner_url: str, revision: str) -> None:
    """Take a database back to an earlier revision; ``base`` removes everything."""
    from alembic import command

    command.downgrade(_config(owner_url), revision)


def head_revision() -> str:
    """Return the newest revision that this code brings along: its number begins its file's name."""
    names = [file.name for file in (files("migrations") / "versions").iterdir()]
    numbers = [name[:4] for name in names if name.endswith(".py") and name[:4].isdigit()]
    if not numbers:
        raise RuntimeError("no migrations are installed")
    return max(numbers)
