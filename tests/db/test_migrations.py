"""Migrations: numbered, reversible, equal to what is written down, careful with a live database."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from ledger.db.migrate import downgrade, head_revision, upgrade
from tests.servers import Servers


def _shape(url: str) -> list[tuple[object, ...]]:
    """Everything that a migration can make: columns, constraints, indexes, functions, policies."""
    queries = (
        "SELECT 'column', table_name, column_name, data_type, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_schema = 'public'",
        "SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
        "SELECT 'index', tablename, indexname, indexdef FROM pg_indexes"
        " WHERE schemaname = 'public'",
        "SELECT 'function', oid::regprocedure::text, prosrc, proowner::regrole::text FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace",
        "SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger"
        " WHERE NOT tgisinternal",
        "SELECT 'policy', tablename, policyname, roles::text, qual, with_check FROM pg_policies",
        "SELECT 'grant', table_name, grantee, privilege_type"
        " FROM information_schema.table_privileges WHERE table_schema = 'public'",
    )
    with psycopg.connect(url) as connection:
        rows = [row for query in queries for row in connection.execute(query)]  # type: ignore[arg-type]
    return sorted(rows, key=repr)


def test_up_down_and_up_again_gives_the_same_schema(servers: Servers) -> None:
    url = servers.create_empty()
    try:
        upgrade(url)
        first = _shape(url)
        downgrade(url, "base")
        assert [row for row in _shape(url) if row[1] != "alembic_version"] == []
        upgrade(url)
        assert _shape(url) == first
    finally:
        servers.drop(url)


def test_migrations_are_numbered_without_a_gap(project_root: Path) -> None:
    names = sorted(path.name for path in (project_root / "migrations" / "versions").glob("*.py"))
    assert [name[:4] for name in names] == [f"{n:04d}" for n in range(1, len(names) + 1)]
    assert all(re.fullmatch(r"[0-9]{4}_[a-z]+(_[a-z0-9]+)+\.py", name) for name in names)
    assert head_revision() == names[-1][:4]


def test_the_readable_kernel_is_what_the_newest_migration_installs(
    project_root: Path, servers: Servers
) -> None:
    readable = (project_root / "ledger" / "db" / "kernel.sql").read_text("utf-8")
    copies = sorted((project_root / "migrations" / "sql").glob("*kernel*.sql"))
    assert copies[-1].read_text("utf-8") == readable
    bodies = dict(re.findall(r"FUNCTION public\.(\w+)\(.*?AS \$\w+\$(.*?)\$\w+\$;", readable, re.S))
    assert "post_transaction" in bodies
    url = servers.clone()
    try:
        with psycopg.connect(url) as connection:
            installed = dict(
                connection.execute(
                    "SELECT proname, prosrc FROM pg_proc"
                    " WHERE pronamespace = 'public'::regnamespace"
                ).fetchall()
            )
    finally:
        servers.drop(url)
    assert {name: installed[name] for name in bodies} == bodies


def test_a_migration_gives_up_on_a_lock_instead_of_stopping_the_wallet(servers: Servers) -> None:
    url = servers.create_empty()
    try:
        upgrade(url, "0001")
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE transactions IN ACCESS EXCLUSIVE MODE")
            started = time.monotonic()
            with pytest.raises(Exception, match="lock timeout"):
                downgrade(url, "base")
            assert time.monotonic() - started < 15
    finally:
        servers.drop(url)


def test_two_releases_at_once_migrate_once(
    servers: Servers, product_environment: dict[str, str], project_root: Path
) -> None:
    url = servers.create_empty()
    environment = {**os.environ, **product_environment, "DATABASE_URL": url}
    environment.pop("DATABASE_OWNER_URL", None)
    try:
        releases = [
            subprocess.Popen(
                [sys.executable, "-m", "ussd_app.cli", "migrate"], cwd=project_root, env=environment
            )
            for _ in range(2)
        ]
        assert [release.wait(60) for release in releases] == [0, 0]
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
                (head_revision(),)
            ]
    finally:
        servers.drop(url)
