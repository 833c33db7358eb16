"""`cycle up`: starts everything, says where, and leaves nothing behind."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
import requests

from tests.e2e.stack import ROOT, Running, running, start, wait_until

KEYS = {
    "web",
    "standin",
    "database_url",
    "redis_url",
    "ussd_code",
    "sms_code",
    "at_key",
    "admin",
}


@pytest.mark.xdist_group("story")
def test_up_says_where_everything_is(up: Running) -> None:
    assert set(up.where) == KEYS
    assert set(up.where["admin"]) == {"email", "password"}
    assert requests.get(f"{up.where['web']}/readyz", timeout=5).json()["ready"] is True
    assert requests.get(f"{up.where['standin']}/phone", timeout=5).ok
    with psycopg.connect(up.where["database_url"]) as connection:
        people = connection.execute("SELECT count(*) FROM users").fetchone()
    assert people is not None
    with redis.Redis.from_url(up.where["redis_url"]) as client:
        assert client.ping()


@pytest.mark.xdist_group("story")
def test_killed_web_server_processes_are_started_again(up: Running) -> None:
    killed = _kill_web_server_processes(up)
    wait_until(lambda: _answers(f"{up.where['web']}/healthz"))
    assert not killed & {worker.pid for worker in up.child("granian").children()}


@pytest.mark.ends_up
@pytest.mark.xdist_group("story")
def test_up_stops_without_a_trace(up: Running) -> None:
    family = up.descendants()
    assert len(family) >= 5

    assert up.stop(signal.SIGINT) == 0

    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []


def _kill_web_server_processes(up: Running) -> set[int]:
    """Return the ids of what was killed; the server starts others by itself."""
    workers = up.child("granian").children()
    assert workers
    for worker in workers:
        worker.kill()
    return {worker.pid for worker in workers}


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.RequestException:
        return False


def test_killed_up_takes_its_children_along() -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("only Linux tells children that their parent was killed")
    with running() as up:
        family = {one: one.cmdline() for one in up.descendants()}

        up.stop(signal.SIGKILL)

        # A worker finishes its task first, for which the servers are dead by now.
        _, alive = psutil.wait_procs(list(family), timeout=60)
        assert [family[one] for one in alive] == []


@pytest.mark.parametrize(("option", "owner"), [("--port", "web"), ("--standin-port", "stand-in")])
def test_busy_port_is_named(option: str, owner: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        process = start("--ephemeral", option, str(port))
        _, stderr = process.communicate(timeout=30)

    assert process.returncode == 1
    assert f"port {port}" in stderr
    assert owner in stderr
    assert f"process {os.getpid()}" in stderr


def test_unknown_option_is_a_usage_error() -> None:
    process = start("--nonsense")
    process.communicate(timeout=30)

    assert process.returncode == 2


def test_up_works_as_a_plain_user() -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("already a plain user, or no way to become one")
    user = pwd.getpwnam("nobody")
    prefix = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    for needed in (Path(sys.executable).resolve(), ROOT / "Procfile"):
        if subprocess.run([*prefix, "test", "-r", str(needed)], check=False).returncode:
            pytest.skip(f"a plain user can't read {needed.name} where it lies")

    with running(prefix=prefix, environment={"HOME": "/nonexistent"}) as up:
        owners = {one.uids().real for one in up.descendants()}
        assert owners == {user.pw_uid}
        assert requests.get(f"{up.where['web']}/readyz", timeout=5).ok
        assert up.stop() == 0
