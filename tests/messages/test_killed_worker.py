"""A worker killed while the provider answers: the same reference at most twice, never none."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from jobs.queue import Task, ring
from tests.messages.conftest import Texting
from tests.msisdns import new_msisdn


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.05)


def test_a_killed_worker_doubles_at_most_and_never_loses(
    texting: Texting, product_environment: dict[str, str], redis_url: str, project_root: Path
) -> None:
    settings = texting.services.settings
    environment = {
        **os.environ,
        **product_environment,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": redis_url,
        "AT_BASE_URL": settings.at_base_url or "",
    }
    phone = new_msisdn()
    message = texting.queue(phone)
    texting.fault(at="at.send", do="slow", seconds=1, times=1)
    command = [sys.executable, "-m", "jobs.worker"]
    worker = subprocess.Popen(command, env=environment, cwd=project_root, stderr=subprocess.DEVNULL)
    try:
        ring(texting.services.redis, Task.SEND_SMS)
        wait_until(lambda: texting.row(message)["state"] == "sending" and bool(texting.calls()))
    finally:
        worker.kill()
        worker.wait(10)
    wait_until(lambda: len(texting.inbox(phone)) == 1)
    assert texting.row(message)["state"] == "sending"
    texting.let_time_pass()  # the lease runs out, and a successor takes over
    texting.send()
    texting.let_time_pass()
    texting.send()
    assert texting.row(message)["state"] == "sent"
    texts = texting.inbox(phone)
    assert len(texts) == 2
    assert len(set(texts)) == 1
