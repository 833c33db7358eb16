"""SIGTERM lets the web process finish the hop in hand (worker and cron: tests/jobs)."""

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import requests

from ledger.db.engine import Database
from standin.processes import Program, Supervisor, free_port
from standin.procfile import read_procfile, shell_command
from tests.db.people import new_user
from tests.e2e.stack import wait_until
from ussd_app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
HOP_SECONDS = 8


@pytest.fixture
def web(tmp_path: Path, product_environment: dict[str, str]) -> Iterator[tuple[Supervisor, str]]:
    """The web process of the Procfile on a port of its own."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        **product_environment,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PORT": str(port),
    }

    def answers() -> bool:
        try:
            return requests.get(f"{address}/healthz", timeout=1).ok
        except requests.RequestException:
            return False

    with Supervisor(tmp_path / "log") as supervisor:
        supervisor.start(
            Program(
                name="web",
                command=shell_command(read_procfile(ROOT / "Procfile")["web"]),
                environment=environment,
                directory=ROOT,
                ready=answers,
                ready_seconds=60,
            )
        )
        yield supervisor, address


def test_a_hop_in_hand_is_answered_before_the_web_process_ends(
    web: tuple[Supervisor, str], settings: Settings, database: Database, database_owner_url: str
) -> None:
    supervisor, address = web
    key = settings.at_callback_keys[0].get_secret_value()
    form = {
        "sessionId": f"ATUid_{os.urandom(8).hex()}",
        "phoneNumber": new_user(database).msisdn,
        "networkCode": "63902",
        "serviceCode": settings.ussd_code,
        "text": "",
    }
    waiting = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with ThreadPoolExecutor(1) as phone, psycopg.connect(database_owner_url) as owner:
        owner.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        hop = phone.submit(
            requests.post, f"{address}/at/{key}/ussd", data=form, timeout=HOP_SECONDS
        )
        with psycopg.connect(database_owner_url, autocommit=True) as watcher:
            wait_until(lambda: watcher.execute(waiting).fetchone() == (1,))
        supervisor.kill("web", signal.SIGTERM)
        owner.rollback()
        answer = hop.result()
    assert (answer.status_code, answer.text[:4]) == (200, "CON ")
    wait_until(lambda: supervisor.dead() == "web", 15)
