"""The log of calls that reached each provider API, for assertions by tests and drills."""

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_SECRET_FIELDS = frozenset({"Password", "SecurityCredential", "apiKey", "apikey"})
_ENTRIES_MAX = 50_000


@dataclass(slots=True)
class LoggedRequest:
    """One call: what came, what was answered, and the fault that was played on it."""

    id: int
    at: str
    method: str
    path: str
    body: dict[str, Any]
    received_at: datetime
    status: int | None = None
    answer: Any = None
    fault: str | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the entry as ``GET /requests`` shows it."""
        return {
            "id": self.id,
            "at": self.at,
            "method": self.method,
            "path": self.path,
            "body": self.body,
            "received_at": self.received_at.isoformat(),
            "status": self.status,
            "answer": self.answer,
            "fault": self.fault,
            **self.notes,
        }


class RequestLog:
    """A bounded, thread-safe list of calls; secrets in their fields are withheld."""

    def __init__(self) -> None:
        self._entries: deque[LoggedRequest] = deque(maxlen=_ENTRIES_MAX)
        self._lock = threading.Lock()
        self._last_id = 0

    def add(
        self, at: str, method: str, path: str, body: dict[str, Any], received_at: datetime
    ) -> LoggedRequest:
        """Record a call to the API ``at`` (a place's name); the caller fills in the answer."""
        shown = {k: "(withheld)" if k in _SECRET_FIELDS else v for k, v in body.items()}
        with self._lock:
            self._last_id += 1
            entry = LoggedRequest(self._last_id, at, method, path, shown, received_at)
            self._entries.append(entry)
        return entry

    def entries(self, at: str | None = None, after: int = 0) -> list[LoggedRequest]:
        """Return the calls in order, optionally of one API and after one id."""
        with self._lock:
            entries = list(self._entries)
        return [e for e in entries if e.id > after and (at is None or e.at == at)]

    def clear(self) -> None:
        """Forget all calls; ids go on."""
        with self._lock:
            self._entries.clear()
