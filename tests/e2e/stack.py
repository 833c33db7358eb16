"""Runs `cycle up` as its users do: as a command, in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psutil
import psycopg
from psycopg.rows import dict_row

from tests.memory import memory_folder

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 100  # 8 on an idle machine


@dataclass
class Running:
    """A `cycle up` that is ready; ``where`` is its JSON line."""

    process: subprocess.Popen[str]
    where: dict[str, Any]

    def descendants(self) -> list[psutil.Process]:
        """Return every process below it."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, word: str) -> psutil.Process:
        """Return the first descendant whose command line contains a word."""
        return next(one for one in self.descendants() if word in " ".join(one.cmdline()))

    def rows(self, query: LiteralString, *values: object) -> list[dict[str, Any]]:
        """Return what a query finds in its database, as the owner sees it."""
        url = self.where["database_url"]
        with psycopg.connect(url, row_factory=dict_row) as connection:
            return connection.execute(query, values).fetchall()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)

    def stderr(self) -> str:
        """Return what it said on standard error, once it has ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read()


def start(
    *arguments: str, environment: dict[str, str] | None = None, prefix: tuple[str, ...] = ()
) -> subprocess.Popen[str]:
    """Start `cycle up` with arguments; standard output and error are pipes."""
    return subprocess.Popen(
        [*prefix, sys.executable, "-m", "ussd_app.cli", "up", *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def running(
    *arguments: str, environment: dict[str, str] | None = None, prefix: tuple[str, ...] = ()
) -> Iterator[Running]:
    """Start an ephemeral `cycle up` and hand it over when it is ready.

    Its data lies in memory, and goes at the end even when it was killed.
    """
    with tempfile.TemporaryDirectory(
        prefix="cycle-up-", dir=memory_folder(), ignore_cleanup_errors=True
    ) as folder:
        Path(folder).chmod(0o777)  # for PostgreSQL's user, and for a plain one
        own = {"TMPDIR": folder, **(environment or {})}
        with _running(
            start("--ephemeral", "--json", *arguments, environment=own, prefix=prefix)
        ) as up:
            yield up


@contextmanager
def _running(process: subprocess.Popen[str]) -> Iterator[Running]:
    watchdog = threading.Timer(READY_SECONDS, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        watchdog.cancel()
        if not line:
            process.wait(30)
            raise AssertionError(f"not ready: {process.stderr.read() if process.stderr else ''}")
        yield Running(process, json.loads(line))
    finally:
        watchdog.cancel()
        if process.poll() is None:
            process.terminate()
            process.wait(30)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def wait_until(
    condition: Callable[[], bool], seconds: float = 15, *, pause_seconds: float = 0.05
) -> None:
    """Poll until a condition holds; fail after a deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(pause_seconds)
