"""Takes callbacks to the product, well or badly: the callback half of the fault rules."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from standin.daraja.wire import dumps
from standin.faults import Fault
from standin.sender import Delivery
from standin.world import World

EARLY = frozenset({"early"})
_LATE_SECONDS = 3.0
_HOLD_SECONDS = 5.0
_RESULT_AFTER_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Shape:
    """How faults bend a body: another amount (cents), other types, no details, other ids."""

    amount: int
    string_types: bool = False
    no_metadata: bool = False
    unknown_ids: bool = False


@dataclass(slots=True)
class Message:
    """A callback on its way. ``build`` makes the body; ``timeout`` is what comes before it.

    ``amount`` in cents. ``delivered`` is set when the last delivery ended, or was dropped.
    """

    at: str
    url: str
    msisdn: str
    amount: int
    build: Callable[[Shape], dict[str, Any]]
    timeout_url: str = ""
    timeout_body: str = ""
    delivered: threading.Event = field(default_factory=threading.Event)


class Courier:
    """Delivers messages in background threads, playing the fault that was picked for each."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._held: dict[str, list[Callable[[], None]]] = {}

    def pick(self, at: str, msisdn: str, amount: int) -> Fault | None:
        """Return the fault for a callback; ``early`` is decided when the request comes in."""
        return self._world.faults.pick(at, msisdn=msisdn, amount=amount, without=EARLY)

    def early(self, at: str, msisdn: str, amount: int) -> Fault | None:
        """Return the fault that makes this callback overtake the reply to its request."""
        return self._world.faults.pick(at, msisdn=msisdn, amount=amount, only=EARLY)

    def deliver(self, message: Message, fault: Fault | None, delay: float = 0.0) -> None:
        """Send the message in the background after a delay, bent by the fault."""
        kind = fault.kind if fault else None
        seconds = fault.seconds if fault else None
        if kind == "late":
            delay += _LATE_SECONDS if seconds is None else seconds
        if kind == "reorder" and not message.timeout_url:
            self._hold(message, fault, _HOLD_SECONDS if seconds is None else seconds)
            return
        self._world.scheduler.after(delay, lambda: self._send(message, fault))

    def reset(self) -> None:
        """Forget what is held back."""
        with self._lock:
            self._held.clear()

    def _send(self, message: Message, fault: Fault | None) -> None:
        kind = fault.kind if fault else None
        copies = fault.copies if fault else 1
        seconds = fault.seconds if fault else None
        if kind == "drop":
            pass
        elif kind == "timeout_only":
            self._post_timeout(message, kind)
        elif kind == "timeout_then_result":
            self._post_timeout(message, kind)
            time.sleep(_RESULT_AFTER_TIMEOUT_SECONDS if seconds is None else seconds)
            self._post(message, kind)
        elif kind == "reorder" and message.timeout_url:
            self._post(message, kind)
            self._post_timeout(message, kind)
        elif kind == "duplicate":
            for _ in range(copies):
                self._post(message, kind)
        elif kind == "parallel_duplicate":
            self._post_at_once(message, copies)
        else:
            self._post(message, kind)
        message.delivered.set()
        self._release(message.at)

    def _post(self, message: Message, kind: str | None) -> Delivery:
        shape = Shape(
            amount=message.amount * 10 if kind == "tamper_amount" else message.amount,
            string_types=kind == "string_types",
            no_metadata=kind == "no_metadata",
            unknown_ids=kind == "unknown_ids",
        )
        url = _other_token(message.url) if kind == "wrong_token" else message.url
        return self._transmit(message.at, url, dumps(message.build(shape)), kind)

    def _post_timeout(self, message: Message, kind: str | None) -> None:
        self._transmit(message.at, message.timeout_url, message.timeout_body, kind)

    def _transmit(self, at: str, url: str, body: str, kind: str | None) -> Delivery:
        behaviour = self._world.behaviour.now
        for attempt in range(behaviour.callback_retries + 1):
            delivery = self._world.sender.post(
                at,
                url,
                body,
                self._headers(),
                timeout_seconds=behaviour.callback_timeout_seconds,
                fault=kind,
            )
            if delivery.status == 200:
                break
            if attempt < behaviour.callback_retries:
                time.sleep(1.0)
        return delivery

    def _post_at_once(self, message: Message, copies: int) -> None:
        barrier = threading.Barrier(copies)

        def post() -> None:
            barrier.wait()
            self._post(message, "parallel_duplicate")

        threads = [threading.Thread(target=post, daemon=True) for _ in range(copies)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _hold(self, message: Message, fault: Fault | None, seconds: float) -> None:
        """Keep a message until the next one at its place has gone, or for so many seconds."""
        once = threading.Lock()

        def go() -> None:
            if once.acquire(blocking=False):
                self._post(message, fault.kind if fault else None)
                message.delivered.set()

        with self._lock:
            self._held.setdefault(message.at, []).append(go)
        self._world.scheduler.after(seconds, go)

    def _release(self, at: str) -> None:
        with self._lock:
            held = self._held.pop(at, [])
        for go in held:
            self._world.scheduler.after(0.0, go)

    def _headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/json;charset=UTF-8",
            "Businessshortcode": self._world.settings.mpesa_shortcode,
            "User-Agent": "ReactorNetty/1.2.9",
            "Accept": "*/*",
        }


def _other_token(url: str) -> str:
    """Return the URL with its longest path segment, the token, replaced by another."""
    parts = urlsplit(url)
    segments = parts.path.split("/")
    longest = max(range(len(segments)), key=lambda index: len(segments[index]))
    segments[longest] = secrets.token_urlsafe(32)[: max(len(segments[longest]), 8)]
    return urlunsplit(parts._replace(path="/".join(segments)))
