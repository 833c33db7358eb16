"""The stand-in's wall clock, in East Africa Time, which tests can move."""

import threading
from datetime import UTC, datetime, timedelta, timezone

EAT = timezone(timedelta(hours=3), "EAT")


class Clock:
    """Wall clock with an offset. Delays never use it: those run on real time."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the current time in East Africa Time."""
        with self._lock:
            return datetime.now(UTC).astimezone(EAT) + self._offset

    def set(self, moment: datetime) -> None:
        """Let the clock go on from this moment; a moment without zone is meant in EAT."""
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=EAT)
        with self._lock:
            self._offset = moment - datetime.now(UTC)

    def reset(self) -> None:
        """Return to the real time."""
        with self._lock:
            self._offset = timedelta()

    def compact(self) -> str:
        """Return now as Daraja writes times: ``YYYYMMDDHHmmss``."""
        return self.now().strftime("%Y%m%d%H%M%S")
