"""Callbacks that leave the stand-in: posted from background threads, each one on record."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import requests

from standin.clock import Clock

_DELIVERIES_MAX = 50_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """One POST that left: where to, what, and what came back (status or error)."""

    id: int
    at: str
    url: str
    body: str
    fault: str | None
    status: int | None
    answer: str
    error: str | None
    sent_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the delivery as ``GET /deliveries`` shows it."""
        return {
            "id": self.id,
            "at": self.at,
            "url": self.url,
            "body": self.body,
            "fault": self.fault,
            "status": self.status,
            "error": self.error,
            "sent_at": self.sent_at.isoformat(),
        }


class Sender:
    """Posts bodies over kept connections, one session a thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._local = threading.local()
        self._lock = threading.Lock()
        self._last_id = 0
        self._deliveries: deque[Delivery] = deque(maxlen=_DELIVERIES_MAX)

    def post(
        self,
        at: str,
        url: str,
        body: str,
        headers: Mapping[str, str],
        *,
        timeout_seconds: float = 10.0,
        fault: str | None = None,
    ) -> Delivery:
        """Post the body now, in this thread, and return what became of it; never raises."""
        sent_at = self._clock.now()
        status: int | None = None
        answer, error = "", None
        answered_headers: Mapping[str, str] = {}
        try:
            response = self._session().post(
                url,
                data=body.encode(),
                headers=dict(headers),
                timeout=timeout_seconds,
                allow_redirects=False,
            )
            status, answer = response.status_code, response.text
            answered_headers = response.headers
        except requests.RequestException as problem:
            error = type(problem).__name__
        with self._lock:
            self._last_id += 1
            delivery = Delivery(
                self._last_id,
                at,
                url,
                body,
                fault,
                status,
                answer,
                error,
                sent_at,
            )
            self._deliveries.append(delivery)
        # The record stays small: only the caller gets to see the headers.
        return replace(delivery, headers=answered_headers)

    def deliveries(self, at: str | None = None) -> list[Delivery]:
        """Return what was posted, in order, optionally for one place."""
        with self._lock:
            return [d for d in self._deliveries if at is None or d.at == at]

    def clear(self) -> None:
        """Forget what was posted."""
        with self._lock:
            self._deliveries.clear()

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            self._local.session = session
        return session
