"""The SMS that have reached each phone, whoever sent them."""

import itertools
import threading
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from standin.clock import Clock


@dataclass(frozen=True, slots=True)
class Message:
    """One SMS on a phone. ``parts`` is what it was billed as."""

    id: int
    sender: str
    text: str
    at: datetime
    parts: int

    def as_json(self) -> dict[str, Any]:
        """Return the message as ``GET /handset/<msisdn>/inbox`` shows it."""
        return {
            "id": self.id,
            "from": self.sender,
            "text": self.text,
            "at": self.at.isoformat(timespec="seconds"),
            "parts": self.parts,
        }


class Inboxes:
    """Messages by phone (``2547XXXXXXXX``), oldest first. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._messages: dict[str, list[Message]] = defaultdict(list)

    def put(self, msisdn: str, sender: str, text: str, parts: int) -> None:
        """Deliver a message to a phone."""
        with self._lock:
            message = Message(next(self._ids), sender, text, self._clock.now(), parts)
            self._messages[msisdn].append(message)

    def of(self, msisdn: str) -> list[Message]:
        """Return what a phone has received."""
        with self._lock:
            return list(self._messages.get(msisdn, ()))

    def clear(self, msisdn: str) -> None:
        """Empty a phone's inbox."""
        with self._lock:
            self._messages.pop(msisdn, None)

    def clear_all(self) -> None:
        """Empty every inbox; ids go on."""
        with self._lock:
            self._messages.clear()
