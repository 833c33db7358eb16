"""STK prompts: what a customer sees on the phone when the product asks for money."""

import threading
from dataclasses import dataclass, field
from typing import Any

from standin.books import Payment
from standin.money import to_shillings
from standin.scheduler import Timer


@dataclass(slots=True)
class Prompt:
    """One prompt, until the customer, a scenario or time answers it, once."""

    id: str
    payment: Payment
    business: str
    callback_url: str
    shown: bool = False
    timer: Timer | None = None
    delivered: threading.Event = field(default_factory=threading.Event)

    def as_json(self) -> dict[str, Any]:
        """Return the prompt as the handset shows it."""
        return {
            "id": self.id,
            "amount": to_shillings(self.payment.amount),
            "business": self.business,
            "reference": self.payment.reference,
        }


class Prompts:
    """Open prompts by phone. Thread-safe; exactly one caller gets to answer a prompt."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Prompt] = {}

    def add(self, prompt: Prompt) -> bool:
        """Reserve the phone for a prompt, not shown yet; False when it has one already."""
        with self._lock:
            if any(p.payment.msisdn == prompt.payment.msisdn for p in self._open.values()):
                return False
            self._open[prompt.id] = prompt
            return True

    def visible(self, msisdn: str) -> list[Prompt]:
        """Return what this phone's screen shows."""
        with self._lock:
            return [p for p in self._open.values() if p.payment.msisdn == msisdn and p.shown]

    def hide(self, msisdn: str, prompt_id: str) -> bool:
        """Put a prompt out of sight: it stays open until time ends it. False when not there."""
        with self._lock:
            prompt = self._open.get(prompt_id)
            if prompt is None or prompt.payment.msisdn != msisdn:
                return False
            prompt.shown = False
            return True

    def take(self, prompt_id: str, msisdn: str | None = None) -> Prompt | None:
        """Close a prompt and return it to the one caller that may answer it, or None."""
        with self._lock:
            prompt = self._open.get(prompt_id)
            if prompt is None or (msisdn is not None and prompt.payment.msisdn != msisdn):
                return None
            del self._open[prompt_id]
        if prompt.timer is not None:
            prompt.timer.cancel()
        return prompt

    def clear(self) -> None:
        """Take all prompts off their phones; nobody is told."""
        with self._lock:
            self._open.clear()
