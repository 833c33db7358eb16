"""The worker: runs tasks when their bell rings, moves delayed bells, says that it is alive.

RQ's SimpleWorker runs a job in this process: a task opens nothing of its own and is safe
to be killed at any line, so a fork a job would only cost time.
"""

import gc
import os
import signal
import socket
import threading
from importlib import import_module
from types import FrameType
from typing import Protocol, cast

import structlog
from redis import RedisError
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.scheduler import RQScheduler
from rq.serializers import JSONSerializer

from jobs.clients.redis import connect
from jobs.errors import report_errors
from jobs.heartbeat import BEAT_SECONDS, beat, leave
from jobs.logging import configure_logging
from jobs.queue import Task, queue_of
from jobs.services import JobServices
from jobs.settings import JobSettings

_RECONNECT_SECONDS = 1.0
_TICK_SECONDS = 0.5

_log = structlog.get_logger(__name__)
_services: JobServices | None = None


class Run(Protocol):
    """The one function of each module in jobs/tasks."""

    def __call__(self, services: JobServices) -> None:
        """Do all that is due now."""


def resolve(task: Task) -> Run:
    """Import a task's function."""
    module, _, function = str(task).rpartition(".")
    return cast(Run, getattr(import_module(module), function))


def perform(task: str, bell: str) -> None:
    """Take the bell down, then do what is due: whoever rings from now on is heard again."""
    services = _process_services()
    services.redis.delete(bell)
    with structlog.contextvars.bound_contextvars(task=task.split(".")[-2]):
        try:
            resolve(Task(task))(services)
        except Exception as error:
            # RQ keeps a failed job's traceback in Redis, where no customer's data may stand.
            _log.exception("task_failed")
            raise TaskError(f"{task}: {type(error).__name__}") from None


class TaskError(Exception):
    """A task raised; the log tells more. Its work is still in its table for the next ring."""


def _process_services() -> JobServices:
    global _services
    if _services is None:
        _services = JobServices.open(JobSettings.load())
    return _services


class _Attendant(threading.Thread):
    """Beats for this worker and moves delayed bells into the queue when they are due."""

    def __init__(self, redis_url: str, name: str, stopping: threading.Event) -> None:
        super().__init__(name="attendant", daemon=True)
        self._redis = connect(redis_url)
        self._worker_name = name
        self._stopping = stopping
        self._scheduler = RQScheduler(
            [queue_of(self._redis)], connection=self._redis, serializer=JSONSerializer
        )

    def run(self) -> None:
        ticks_per_beat = round(BEAT_SECONDS / _TICK_SECONDS)
        tick = 0
        while not self._stopping.wait(_TICK_SECONDS if tick else 0):
            try:
                if tick % ticks_per_beat == 0:
                    beat(self._redis, "worker", self._worker_name)
                # Two workers may move the same bell; a task that runs twice does no harm.
                self._scheduler.prepare_registries([queue_of(self._redis).name])
                self._scheduler.enqueue_scheduled_jobs()  # type: ignore[no-untyped-call]
            except RedisError as error:
                _log.warning("redis_unreachable", error=type(error).__name__)
            tick += 1
        try:
            leave(self._redis, "worker", self._worker_name)
        except RedisError:
            _log.warning("redis_unreachable_at_stop")


def main() -> None:
    """Work until SIGTERM or SIGINT; a running job is finished first. Survives lost Redis."""
    global _services
    settings = JobSettings.load()
    configure_logging(as_json=settings.log_json)
    report_errors(settings)
    _services = JobServices.open(settings)
    gc.freeze()  # what is loaded by now stays: no search for garbage looks at it again
    name = f"{socket.gethostname()}:{os.getpid()}"
    stopping = threading.Event()
    _stop_when_told(stopping)
    redis_url = settings.redis_url.get_secret_value()
    attendant = _Attendant(redis_url, name, stopping)
    attendant.start()
    _log.info("worker_started", worker=name)
    while not stopping.is_set():
        _work_once(redis_url, stopping)
        stopping.wait(0 if stopping.is_set() else _RECONNECT_SECONDS)
    attendant.join(timeout=5)
    _services.close()
    _log.info("worker_stopped", worker=name)


def _work_once(redis_url: str, stopping: threading.Event) -> None:
    """Serve the queue until asked to stop or until Redis is lost."""
    connection = connect(redis_url)

    class _Worker(SimpleWorker):
        max_connection_wait_time = 2.0

        def _install_signal_handlers(self) -> None:
            super()._install_signal_handlers()  # type: ignore[no-untyped-call]
            self._stop_requested = stopping.is_set()  # told so before RQ listened

        def request_stop(self, signum: int, frame: FrameType | None) -> None:
            stopping.set()
            super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    try:
        worker = _Worker([queue_of(connection)], connection=connection, serializer=JSONSerializer)
        worker.work(logging_level="WARNING")
    except StopRequested:
        return  # told to stop between RQ's first look and its loop
    except RedisError as error:
        _log.warning("redis_unreachable", error=type(error).__name__)
        _stop_when_told(stopping)


def _stop_when_told(stopping: threading.Event) -> None:
    """Take SIGTERM and SIGINT while no RQ worker does."""
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, lambda *_: stopping.set())


if __name__ == "__main__":
    # RQ imports jobs.worker by name for ``perform``: run that module, not a second copy.
    import_module("jobs.worker").main()
