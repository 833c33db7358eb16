"""The USSD gateway: one session a phone, over the real wire to the product.

Times out like Kenya's networks (30 s without a reply, 180 s in all, 10 s for the product's
answer), and reports every end of a session to the product's event callback.
"""

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from standin.africastalking import networks
from standin.africastalking.hops import (
    NO_CONNECTION,
    TECHNICAL_PROBLEM,
    TIMED_OUT,
    Answer,
    Hop,
    Shape,
    first_hop,
    next_text,
    read_answer,
)
from standin.africastalking.networks import Network
from standin.africastalking.product import Product
from standin.faults import Fault
from standin.sender import Delivery
from standin.world import World

HOP_METADATA = "at-ussd-hop-metadata"
_LABEL_CHARACTERS_MAX = 99


class BusyError(RuntimeError):
    """The phone still waits for the answer to its last reply."""


class NoSessionError(RuntimeError):
    """A reply without an open session."""


@dataclass(slots=True)
class Session:
    """One session as the network sees it. ``text`` is all replies so far, PIN included."""

    msisdn: str
    network: Network
    service_code: str
    text: str
    id: str = field(default_factory=lambda: f"ATUid_{uuid.uuid4().hex}")
    started: float = field(default_factory=time.monotonic)
    open: bool = True
    waiting: bool = True
    screen: str = ""
    last_answer: str = ""
    label: str = ""
    labels: list[str] = field(default_factory=list)
    hops: list[Hop] = field(default_factory=list)
    status: str | None = None
    error: str | None = None
    idle_since: float = field(default_factory=time.monotonic)

    def as_json(self) -> dict[str, Any]:
        """Return the session as a handset shows it."""
        return {
            "screen": self.screen,
            "open": self.open,
            "waiting": self.open and self.waiting,
            "session_id": self.id,
            "status": self.status,
            "error": self.error,
            "hops": [{"milliseconds": h.milliseconds, "bytes": h.bytes} for h in self.hops],
        }


NO_SESSION: dict[str, Any] = {
    "screen": "",
    "open": False,
    "waiting": False,
    "session_id": None,
    "status": None,
    "error": None,
    "hops": [],
}


class Ussd:
    """All phones' sessions. Thread-safe; a phone has one session and one hop at a time."""

    def __init__(self, world: World, product: Product) -> None:
        self._world = world
        self._product = product
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def dial(self, msisdn: str, dialled: str, shape: Shape = "tokens") -> dict[str, Any]:
        """Dial a code: an open session ends, and a new one begins with its first screen."""
        self.hang_up(msisdn)
        hop = first_hop(self._world.settings.ussd_code, dialled, shape)
        if hop is None:
            return {**NO_SESSION, "screen": NO_CONNECTION}
        session = Session(msisdn, networks.of(msisdn), *hop)
        with self._lock:
            self._sessions[msisdn] = session
        self._world.lines.take(msisdn, session.id)
        self._world.scheduler.after(
            self._world.behaviour.now.ussd_session_seconds, lambda: self._time_out(session)
        )
        return self._hop(session)

    def reply(self, msisdn: str, typed: str) -> dict[str, Any]:
        """Send a reply. Raises NoSessionError or BusyError when the phone can't send one."""
        with self._lock:
            session = self._sessions.get(msisdn)
            if session is None or not session.open:
                raise NoSessionError
            if session.waiting:
                raise BusyError
            session.waiting = True
            session.text = next_text(session.text, typed)
        return self._hop(session)

    def hang_up(self, msisdn: str) -> dict[str, Any]:
        """End the phone's session, if it has one."""
        with self._lock:
            session = self._sessions.get(msisdn)
        if session is None:
            return NO_SESSION
        self._end(session, "Incomplete", screen="")
        return session.as_json()

    def view(self, msisdn: str) -> dict[str, Any]:
        """Return what the phone shows now."""
        with self._lock:
            session = self._sessions.get(msisdn)
            state = NO_SESSION if session is None else session.as_json()
        return {**state, "network": networks.of(msisdn).name}

    def reset(self) -> None:
        """Forget all sessions, without a word to the product."""
        with self._lock:
            for session in self._sessions.values():
                session.open = False
            self._sessions.clear()

    def _hop(self, session: Session) -> dict[str, Any]:
        fault = self._world.faults.pick("at.ussd", msisdn=session.msisdn)
        started = time.monotonic()
        answer = self._exchange(session, fault)
        milliseconds = round((time.monotonic() - started) * 1000)
        with self._lock:
            if not session.open:  # hung up or timed out while waiting
                return session.as_json()
            session.waiting = False
            session.hops.append(Hop(milliseconds, len(session.last_answer.encode())))
            session.idle_since = time.monotonic()
            if answer.more:
                session.screen = answer.text
        if answer.more:
            self._world.scheduler.after(
                self._world.behaviour.now.ussd_idle_seconds,
                lambda: self._time_out(session, hops=len(session.hops)),
            )
        elif answer.error is None:
            self._end(session, "Success", screen=answer.text)
        else:
            lost = fault is not None and fault.kind in ("drop", "lose_reply")
            status = "Incomplete" if lost else "Failed"
            self._end(session, status, screen=answer.text, error=answer.error)
        return session.as_json()

    def _exchange(self, session: Session, fault: Fault | None) -> Answer:
        kind = fault.kind if fault else None
        if fault is not None and kind == "slow":
            time.sleep(3.0 if fault.seconds is None else fault.seconds)
        if kind == "drop" or not session.open:
            return Answer(TECHNICAL_PROBLEM, more=False, error="lost on the way to the service")
        post = self._posting(session, kind)
        if fault is not None and kind in ("duplicate", "parallel_duplicate"):
            delivery = _repeat(post, fault.copies, at_once=kind == "parallel_duplicate")
        else:
            delivery = post()
        if fault is not None and kind == "late":
            self._world.scheduler.after(1.0 if fault.seconds is None else fault.seconds, post)
        if kind == "lose_reply":
            return Answer(TECHNICAL_PROBLEM, more=False, error="lost on the way to the phone")
        session.last_answer = delivery.answer
        session.label = delivery.headers.get(HOP_METADATA, "")[:_LABEL_CHARACTERS_MAX]
        if session.label:
            session.labels.append(session.label.replace("|", ""))
        return read_answer(delivery, session.network)

    def _posting(self, session: Session, fault: str | None) -> Callable[[], Delivery]:
        form = {
            "sessionId": session.id,
            "phoneNumber": f"+{session.msisdn}",
            "networkCode": session.network.code,
            "serviceCode": session.service_code,
            "text": session.text,
        }
        headers = {HOP_METADATA: session.label} if session.label else {}
        deadline = self._world.behaviour.now.ussd_deadline_seconds

        def post() -> Delivery:
            return self._product.post(
                "at.ussd", "ussd", form, headers=headers, timeout_seconds=deadline, fault=fault
            )

        return post

    def _time_out(self, session: Session, hops: int | None = None) -> None:
        idle = hops is not None
        if idle and (session.waiting or len(session.hops) != hops):
            return
        self._end(session, "Incomplete", screen=TIMED_OUT)

    def _end(self, session: Session, status: str, screen: str, error: str | None = None) -> None:
        with self._lock:
            if not session.open:
                return
            session.open = False
            session.status, session.screen, session.error = status, screen, error
        self._world.lines.release(session.msisdn, session.id)
        form = self._event(session)
        self._world.scheduler.after(
            0, lambda: self._product.post("at.ussd-events", "ussd-events", form)
        )

    def _event(self, session: Session) -> dict[str, str]:
        form = {
            "date": self._world.clock.now().astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
            "sessionId": session.id,
            "serviceCode": session.service_code,
            "networkCode": session.network.code,
            "phoneNumber": f"+{session.msisdn}",
            "status": session.status or "",
            "cost": "KES 1.00",
            "durationInMillis": str(round((time.monotonic() - session.started) * 1000)),
            "hopsCount": str(len(session.hops)),
            "hopsMetadata": "|".join(session.labels),
            "input": session.text,
            "lastAppResponse": session.last_answer,
        }
        return form if session.error is None else {**form, "errorMessage": session.error}


def _repeat(post: Callable[[], Delivery], copies: int, *, at_once: bool) -> Delivery:
    """Deliver a hop several times; the phone shows the answer to the last."""
    if not at_once:
        return [post() for _ in range(copies)][-1]
    with ThreadPoolExecutor(copies) as pool:
        twins = [pool.submit(post) for _ in range(copies)]
    return twins[-1].result()
