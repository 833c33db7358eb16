"""Embedded PostgreSQL and Redis: their data outlives them, and one user has a folder at a time."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from standin.engines import postgres, redis_server
from standin.processes import ProcessError, Supervisor
from standin.stack import Stack
from tests.memory import memory_folder

pytestmark = pytest.mark.xdist_group("engines")  # one initdb for all


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """A folder for PostgreSQL that one test after the other starts."""
    with tempfile.TemporaryDirectory(prefix="cycle-engines-", dir=memory_folder()) as folder:
        yield Path(folder)


def test_what_was_stored_is_there_after_a_restart(data: Path, tmp_path: Path) -> None:
    for start in (1, 2):
        with Supervisor(tmp_path / "log") as supervisor:
            database, cache = postgres(data), redis_server(tmp_path / "redis")
            supervisor.start(database.program)
            supervisor.start(cache.program)
            with psycopg.connect(database.url) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS starts (number int)")
                connection.execute("INSERT INTO starts VALUES (%s)", (start,))
                rows = connection.execute("SELECT number FROM starts ORDER BY number").fetchall()
            with redis.Redis.from_url(cache.url) as client:
                count = client.incr("starts")

    assert rows == [(1,), (2,)]
    assert count == 2


def test_database_outlives_a_kill(data: Path, tmp_path: Path) -> None:
    with Supervisor(tmp_path / "log") as supervisor:
        database = postgres(data)
        supervisor.start(database.program)
        with psycopg.connect(database.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS number")

        supervisor.kill("postgres")
        supervisor.restart("postgres")

        with psycopg.connect(database.url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchall() == [(1,)]


def test_engines_ask_for_passwords_and_the_owner_is_no_superuser(
    data: Path, tmp_path: Path
) -> None:
    with Supervisor(tmp_path / "log") as supervisor:
        database = postgres(data, durable=False)
        cache = redis_server(tmp_path / "redis", durable=False)
        supervisor.start(database.program)
        supervisor.start(cache.program)

        with psycopg.connect(database.url) as connection:
            query = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
            assert connection.execute(query).fetchone() == (False,)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(database.url.replace("cycle:", "cycle:x", 1))
        port = int(cache.url.rsplit(":", 1)[1].split("/")[0])
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=port, retry=Retry(NoBackoff(), 0)).ping()
        runs_as = psutil.Process(supervisor.process_id("postgres")).uids().effective
        assert runs_as != 0
        assert os.geteuid() in (0, runs_as)


def test_folder_of_a_running_cycle_is_refused(tmp_path: Path) -> None:
    first, second = Stack(tmp_path), Stack(tmp_path)
    first._claim_folder()
    try:
        with pytest.raises(ProcessError, match="in use by another `cycle up`"):
            second.__enter__()
    finally:
        first.close()


def test_nothing_of_a_temporary_cycle_is_left(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stack = Stack()
    assert list(tmp_path.iterdir()) != []

    stack.close()

    assert list(tmp_path.iterdir()) == []
