"""A backup by pg_dump comes back as the same ledger: the steps of docs/operations.md, tried."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ledger.core.context import Context
from ledger.db import accounts, maintenance
from ledger.db.engine import Database
from ledger.queries.verify import verify_ledger
from standin.engines import postgres_binaries
from tests.db.people import new_user
from tests.quick_hashing import open_database
from tests.servers import Servers
from tests.web.api_people import put_money
from ussd_app.settings import Settings

SYSTEM = Context.of_system("test")
BORROWED = "TEST_DATABASE_URL" in os.environ
# A borrowed server's own tools lie on PATH: newer ones speak of settings that it does not know.
PG_DUMP = Path(shutil.which("pg_dump") or "") if BORROWED else postgres_binaries() / "pg_dump"
needs_dump = pytest.mark.skipif(not PG_DUMP.is_file(), reason="needs pg_dump and pg_restore")


def _tool(name: str, *arguments: str) -> None:
    command = [str(PG_DUMP.with_name(name)), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def empty_url(servers: Servers) -> Iterator[str]:
    """A database with nothing in it, to restore into."""
    url = servers.create_empty()
    yield url
    servers.drop(url)


@pytest.fixture
def backup_login(servers: Servers) -> Iterator[tuple[str, str]]:
    """A login that may read every row, as docs/operations.md has a superuser make it."""
    parts = urlsplit(servers.postgres_url)
    superuser = parts._replace(netloc=f"postgres{parts.netloc.removeprefix('cycle')}").geturl()
    try:
        connection = psycopg.connect(superuser, autocommit=True)
    except psycopg.OperationalError:
        pytest.skip("needs a superuser to make a login that may read every row")
    with connection:
        connection.execute("DROP ROLE IF EXISTS cycle_backup")
        connection.execute("CREATE ROLE cycle_backup LOGIN BYPASSRLS PASSWORD 'for this test'")
        connection.execute("GRANT pg_read_all_data TO cycle_backup")
        yield "cycle_backup", "for this test"
        connection.execute("DROP ROLE cycle_backup")


@needs_dump
def test_a_restored_backup_verifies_and_holds_the_same_money(
    servers: Servers,
    settings: Settings,
    empty_url: str,
    backup_login: tuple[str, str],
    tmp_path: Path,
) -> None:
    url = servers.clone()
    source = open_database(settings, url)
    for cents in (10_000, 25_050):
        put_money(source, new_user(source).id, cents)
    source.run(SYSTEM, maintenance.seal_audit)
    before = _held(source)
    source.close()
    backup = tmp_path / "cycle.dump"
    login, password = backup_login
    reader = make_conninfo(url, user=login, password=password)
    _tool("pg_dump", "--format=custom", f"--file={backup}", f"--dbname={reader}")
    servers.drop(url)

    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("GRANT USAGE, CREATE ON SCHEMA public TO cycle_kernel")
    _tool("pg_restore", "--exit-on-error", f"--dbname={empty_url}", str(backup))
    restored = open_database(settings, empty_url)
    assert verify_ledger(restored) == []
    assert _held(restored) == before == (35_050, 35_050)
    put_money(restored, new_user(restored).id, 100)
    assert verify_ledger(restored) == []
    restored.close()


def _held(database: Database) -> tuple[int, int]:
    with database.transaction(SYSTEM) as connection:
        cash = next(iter(accounts.system_balances(connection).values()))
        return cash, accounts.wallets_total(connection)
