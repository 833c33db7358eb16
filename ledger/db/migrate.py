"""Run the Alembic migrations in-process: no configuration file, one URL."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory


def _config(owner_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    config.attributes["database_url"] = owner_url.replace(
        "postgresql://", "postgresql+psycopg://", 1
    )
    return config


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Bring a database up to a revision; a database already there is left alone."""
    command.upgrade(_config(owner_url), revision)


def downgrade(owner_url: str, revision: str) -> None:
    """Take a database back to an earlier revision; ``base`` removes everything."""
    command.downgrade(_config(owner_url), revision)


def head_revision() -> str:
    """Return the newest revision that this code brings along."""
    head = ScriptDirectory.from_config(_config("")).get_current_head()
    if head is None:
        raise RuntimeError("no migrations are installed")
    return head
