"""Real PostgreSQL and Redis for the tests, one pair a run, and databases cloned from a template.

With TEST_DATABASE_URL and TEST_REDIS_URL those servers are used instead of embedded ones;
the login must be allowed to create databases and roles.
"""

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ledger.db.migrate import upgrade
from standin.engines import postgres, redis_server
from standin.processes import Supervisor
from tests.memory import memory_folder

# Nobody replicates the tests' databases, and few live long enough to be vacuumed.
_SPARING = {"autovacuum": "off", "wal_level": "minimal", "max_wal_senders": "0"}


def database_url(server_url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    parts = conninfo_to_dict(server_url)
    return (
        f"postgresql://{parts['user']}:{parts.get('password', '')}"
        f"@{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{name}"
    )


@dataclass
class Servers:
    """Where the run's servers are; ``template`` is a migrated database to clone."""

    postgres_url: str
    redis_url: str
    template: str

    def clone(self) -> str:
        """Create a database with all migrations and return its URL."""
        name = f"cycle_test_{uuid4().hex[:12]}"
        with psycopg.connect(self.postgres_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(self.template)
                )
            )
        return database_url(self.postgres_url, name)

    def create_empty(self) -> str:
        """Create a database without any table and return its URL."""
        name = f"cycle_test_{uuid4().hex[:12]}"
        with psycopg.connect(self.postgres_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return database_url(self.postgres_url, name)

    def drop(self, url: str) -> None:
        """Remove a database that ``clone`` or ``create_empty`` made."""
        name = str(conninfo_to_dict(url)["dbname"])
        deadline = time.monotonic() + 30
        with psycopg.connect(self.postgres_url, autocommit=True) as connection:
            while True:
                try:
                    connection.execute(
                        sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
                    )
                    return
                except psycopg.errors.InsufficientPrivilege:
                    # An autovacuum worker belongs to the superuser; it leaves by itself.
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.2)


class ServerRun:
    """Starts the servers and ends them; only one process of a run does."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="cycle-tests-", dir=memory_folder()))
        self._supervisor = Supervisor(self._folder / "log")
        self._borrowed = False
        self.servers: Servers | None = None

    def start(self) -> Servers:
        """Start or borrow the servers and migrate the template."""
        postgres_url = os.environ.get("TEST_DATABASE_URL")
        redis_url = os.environ.get("TEST_REDIS_URL")
        self._borrowed = postgres_url is not None
        if postgres_url is None:
            engine = postgres(self._folder / "postgres", durable=False, settings=_SPARING)
            self._supervisor.start(engine.program)
            postgres_url = engine.url
        if redis_url is None:
            engine = redis_server(self._folder / "redis", durable=False)
            self._supervisor.start(engine.program)
            redis_url = engine.url
        self.servers = Servers(postgres_url, redis_url, "")
        template = self.servers.create_empty()
        upgrade(template)
        self.servers.template = str(conninfo_to_dict(template)["dbname"])
        return self.servers

    def stop(self) -> None:
        """End what was started; remove the template from a borrowed server."""
        if self._borrowed and self.servers is not None and self.servers.template:
            self.servers.drop(database_url(self.servers.postgres_url, self.servers.template))
        self._supervisor.stop_all()
        shutil.rmtree(self._folder, ignore_errors=True)
