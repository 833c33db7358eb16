"""Can this database be used by this code? Asked by the readiness check only.

Each raises psycopg.Error or PoolTimeout when PostgreSQL can't be reached.
"""

from ledger.db.engine import Database


def ping(database: Database) -> None:
    """Make PostgreSQL answer once."""
    with database.connection() as connection:
        connection.execute("SELECT 1")


def database_revision(database: Database) -> str | None:
    """Return the migration that the database is at, None when it has none."""
    with database.connection() as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row["version_num"])
