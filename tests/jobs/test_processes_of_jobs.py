"""Worker and cron as real processes: ring, stop, lose Redis, be killed."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis, RedisError

from jobs.clients.redis import connect
from jobs.heartbeat import alive
from jobs.queue import Task, queue_of, ring
from standin.engines import redis_server
from standin.processes import Program, Supervisor
from tests.e2e.stack import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def stage(
    tmp_path: Path, product_environment: dict[str, str]
) -> Iterator[tuple[Supervisor, Redis, dict[str, str]]]:
    """A supervisor with a Redis of this test alone, and the environment of its processes."""
    with Supervisor(tmp_path / "log") as supervisor:
        engine = redis_server(tmp_path / "redis", durable=False)
        supervisor.start(engine.program)
        client = connect(engine.url)
        yield supervisor, client, product_environment | {"REDIS_URL": engine.url}
        client.close()


def run(supervisor: Supervisor, name: str, environment: dict[str, str]) -> None:
    supervisor.start(
        Program(
            name=name,
            command=[sys.executable, "-m", f"jobs.{name}"],
            environment=environment | {"PYTHONPATH": str(ROOT)},
            directory=ROOT,
        )
    )


def rung_out(client: Redis) -> bool:
    try:
        return not queue_of(client).count and not client.keys("cycle:bell:*")
    except RedisError:
        return False


def beats(client: Redis, kind: str) -> int:
    try:
        return alive(client, kind)
    except RedisError:
        return 0


def test_worker_answers_bells_and_stops_when_asked(stage) -> None:
    supervisor, client, environment = stage
    ring(client, Task.FOLD_BALANCES)
    ring(client, Task.SEAL_AUDIT, delay_seconds=1)

    run(supervisor, "worker", environment)

    wait_until(lambda: rung_out(client) and beats(client, "worker") == 1)
    supervisor.kill("worker", signal.SIGTERM)
    wait_until(lambda: supervisor.dead() == "worker", 10)
    assert "exit code 0" in supervisor.obituary("worker")
    assert beats(client, "worker") == 0
    assert "task_failed" not in supervisor.log_file("worker").read_text()


def test_worker_outlives_a_redis_that_is_killed_and_restarted_empty(stage) -> None:
    supervisor, client, environment = stage
    run(supervisor, "worker", environment)
    wait_until(lambda: beats(client, "worker") == 1)

    supervisor.kill("redis")
    supervisor.restart("redis")

    wait_until(lambda: beats(client, "worker") == 1, 20)
    ring(client, Task.FOLD_BALANCES)
    wait_until(lambda: rung_out(client), 20)
    assert supervisor.dead() is None


def test_killed_worker_leaves_the_work_to_the_next(stage) -> None:
    supervisor, client, environment = stage
    run(supervisor, "worker", environment)
    wait_until(lambda: beats(client, "worker") == 1)

    supervisor.kill("worker")
    ring(client, Task.FOLD_BALANCES)
    supervisor.restart("worker")

    wait_until(lambda: rung_out(client))
    assert supervisor.dead() is None


def test_worker_stops_also_while_redis_is_away(stage) -> None:
    supervisor, client, environment = stage
    run(supervisor, "worker", environment)
    wait_until(lambda: beats(client, "worker") == 1)

    supervisor.kill("redis")
    supervisor.kill("worker", signal.SIGTERM)

    wait_until(lambda: _ended(supervisor.process_id("worker")), 20)
    assert "worker_stopped" in supervisor.last_lines("worker")


def test_cron_rings_every_bell_until_told_to_stop(stage) -> None:
    supervisor, client, environment = stage

    run(supervisor, "cron", environment)

    wait_until(lambda: queue_of(client).count >= len(Task) and beats(client, "cron") == 1)
    supervisor.kill("cron", signal.SIGINT)
    wait_until(lambda: supervisor.dead() == "cron", 10)
    assert "exit code 0" in supervisor.obituary("cron")


def _ended(process_id: int) -> bool:
    waited, _ = os.waitpid(process_id, os.WNOHANG)
    return waited == process_id
