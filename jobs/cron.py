"""The clock: one leader rings every scheduled bell, so work survives a lost queue.

A task decides by its own table what is due, so a bell rung twice, late or after a day off
does no harm: missed work is caught up by the next ring.
"""

import gc
import os
import signal
import socket
import threading
from dataclasses import dataclass, field
from time import monotonic
from types import MappingProxyType

import psycopg
import structlog
from redis import RedisError

from jobs.clients.redis import connect
from jobs.errors import report_errors
from jobs.heartbeat import BEAT_SECONDS, beat, leave
from jobs.logging import configure_logging
from jobs.queue import Task, ring
from jobs.settings import JobSettings
from ledger.db.leader import Leadership

SCHEDULE = MappingProxyType(
    {
        Task.SUBMIT_PAYMENTS: 2.0,
        Task.PROCESS_CALLBACKS: 2.0,
        Task.QUERY_PAYMENTS: 10.0,
        Task.READ_FLOAT: 300.0,
        Task.RECOVER_PAYBILLS: 3600.0,
        Task.SEND_SMS: 2.0,
        Task.SEND_STATEMENTS: 10.0,
        Task.SEND_ORGANISATION_MAIL: 60.0,
        Task.APPLY_SMS_REPORTS: 5.0,
        Task.SEND_EMAIL: 5.0,
        Task.PROCESS_INBOUND_SMS: 2.0,
        Task.FOLD_BALANCES: 5.0,
        Task.SEAL_AUDIT: 5.0,
        Task.RECONCILE: 60.0,
        Task.CREATE_PARTITIONS: 3600.0,
    }
)
"""Seconds between two rings of each task's bell."""

_TICK_SECONDS = 0.5
_log = structlog.get_logger(__name__)


@dataclass
class Clock:
    """Which bells are due, by a monotonic clock; all are due at the start."""

    schedule: MappingProxyType[Task, float]
    _next: dict[Task, float] = field(default_factory=dict)

    def due(self, now_seconds: float) -> list[Task]:
        """Return the tasks to ring now and note when they are due again."""
        tasks = [task for task in self.schedule if now_seconds >= self._next.get(task, now_seconds)]
        for task in tasks:
            self._next[task] = now_seconds + self.schedule[task]
        return tasks


def main() -> None:
    """Ring until SIGTERM or SIGINT; wait for the lead, and for servers that are down."""
    settings = JobSettings.load()
    configure_logging(as_json=settings.log_json)
    report_errors(settings)
    gc.freeze()  # what is loaded by now stays: no search for garbage looks at it again
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    redis = connect(settings.redis_url.get_secret_value())
    name = f"{socket.gethostname()}:{os.getpid()}"
    clock = Clock(SCHEDULE)
    last_beat = -BEAT_SECONDS
    _log.info("cron_started", cron=name)
    with Leadership(settings.database_url.get_secret_value()) as leadership:
        while not stopping.wait(_TICK_SECONDS):
            try:
                if monotonic() - last_beat >= BEAT_SECONDS:
                    beat(redis, "cron", name)
                    last_beat = monotonic()
                if leadership.held():
                    for task in clock.due(monotonic()):
                        ring(redis, task)
            except (psycopg.Error, RedisError) as error:
                _log.warning("server_unreachable", error=type(error).__name__)
                stopping.wait(1)
    try:
        leave(redis, "cron", name)
    except RedisError:
        _log.warning("redis_unreachable_at_stop")
    _log.info("cron_stopped", cron=name)


if __name__ == "__main__":
    main()
