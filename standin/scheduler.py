"""Work for later: one timer thread that hands due work to a pool of threads."""

import heapq
import itertools
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field


@dataclass(order=True, slots=True)
class Timer:
    """A piece of work and when it is due; ``cancelled`` work is skipped."""

    due: float
    order: int
    work: Callable[[], object] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Skip this work if it has not started."""
        self.cancelled = True


class Scheduler:
    """Runs work after a delay in background threads; errors go to standard error."""

    def __init__(self, workers: int = 32) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="standin")
        self._heap: list[Timer] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        self._closed = False
        self._running = 0
        self._thread = threading.Thread(target=self._run, name="standin-timer", daemon=True)
        self._thread.start()

    def after(self, seconds: float, work: Callable[[], object]) -> Timer:
        """Run the work in about this many seconds."""
        with self._wake:
            timer = Timer(time.monotonic() + max(seconds, 0.0), next(self._order), work)
            heapq.heappush(self._heap, timer)
            self._wake.notify_all()
        return timer

    def drop(self, seconds: float = 10.0) -> None:
        """Drop what is not due yet, and wait so long for what runs already."""
        with self._wake:
            self._heap.clear()
            self._wake.wait_for(lambda: self._running == 0, seconds)
            self._heap.clear()

    def close(self) -> None:
        """Drop what is not due yet and stop."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(timeout=5)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while True:
            with self._wake:
                if self._closed:
                    return
                wait = self._heap[0].due - time.monotonic() if self._heap else None
                if wait is None or wait > 0:
                    self._wake.wait(wait)
                    continue
                timer = heapq.heappop(self._heap)
                if timer.cancelled:
                    continue
                self._running += 1
            self._pool.submit(self._perform, timer)

    def _perform(self, timer: Timer) -> None:
        try:
            if not timer.cancelled:
                timer.work()
        except Exception:
            traceback.print_exc(file=sys.stderr)
        finally:
            with self._wake:
                self._running -= 1
                self._wake.notify_all()
