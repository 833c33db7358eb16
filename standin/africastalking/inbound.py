"""From phones to the product: inbound SMS with Africa's Talking's retries, and opt-outs."""

import itertools
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from standin.africastalking import networks
from standin.africastalking.gsm7 import sms_parts
from standin.africastalking.product import Product
from standin.faults import Fault
from standin.inbox import Inboxes
from standin.sender import Delivery
from standin.world import World

_RETRIED_SECONDS = 12 * 60 * 60
_REORDER_SECONDS = 2.0
_DATE_FORMS: tuple[Callable[[datetime], str], ...] = (
    lambda utc: utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
    lambda utc: utc.strftime("%Y-%m-%d %H:%M:%S"),
    lambda utc: utc.strftime("%Y-%m-%d %H:%M:%S.") + f"{utc.microsecond // 1000:03d}",
)
"""The spellings of ``date`` that have been recorded; taken in turn."""


class Inbound:
    """SMS that phones send. A message to the short code is retried until it is answered 200."""

    def __init__(self, world: World, product: Product, inboxes: Inboxes) -> None:
        self._world = world
        self._product = product
        self._inboxes = inboxes
        self._lock = threading.Lock()
        self._dates = itertools.cycle(_DATE_FORMS)
        self._held: list[Callable[[], object]] = []

    def send(self, msisdn: str, to: str, text: str) -> str:
        """Send an SMS from a phone; return its id. Another phone simply receives it."""
        identifier = str(uuid.uuid4())
        if to != self._world.settings.sms_code:
            self._inboxes.put(to, f"+{msisdn}", text, sms_parts(text))
            return identifier
        utc = self._world.clock.now().astimezone(UTC)
        with self._lock:
            date = next(self._dates)(utc)
        form = {
            "date": date,
            "from": f"+{msisdn}",
            "to": to,
            "text": text,
            "id": identifier,
            "linkId": str(uuid.uuid4()),
            "networkCode": networks.of(msisdn).code,
            "cost": "KES 0.0000",
        }
        self._start(form, self._world.faults.pick("at.sms", msisdn=msisdn))
        return identifier

    def opt_out(self, msisdn: str, sender: str) -> None:
        """Tell the product that a phone refuses bulk SMS of this sender."""
        form = {"senderId": sender, "phoneNumber": f"+{msisdn}"}
        self._world.scheduler.after(0, lambda: self._product.post("at.opt-outs", "opt-outs", form))

    def reset(self) -> None:
        """Forget held messages, and begin again with the first spelling of dates."""
        with self._lock:
            self._held.clear()
            self._dates = itertools.cycle(_DATE_FORMS)

    def _start(self, form: dict[str, str], fault: Fault | None) -> None:
        kind = fault.kind if fault else None
        seconds = fault.seconds if fault else None
        scheduler = self._world.scheduler

        def deliver() -> None:
            self._deliver(form, fault, waited_seconds=0.0)

        if kind == "drop":
            retry = self._world.behaviour.now.sms_retry_seconds
            scheduler.after(retry, lambda: self._deliver(form, None, waited_seconds=retry))
        elif kind == "late":
            scheduler.after(5.0 if seconds is None else seconds, deliver)
        elif kind == "reorder":
            self._hold(deliver, _REORDER_SECONDS if seconds is None else seconds)
        else:
            scheduler.after(0, deliver)
            self._release()

    def _hold(self, deliver: Callable[[], object], seconds: float) -> None:
        """Keep a message back until a younger one has gone, or until time is up."""
        with self._lock:
            self._held.append(deliver)

        def give_up() -> None:
            with self._lock:
                if deliver not in self._held:
                    return
                self._held.remove(deliver)
            deliver()

        self._world.scheduler.after(seconds, give_up)

    def _release(self) -> None:
        with self._lock:
            held, self._held = self._held, []
        for deliver in held:
            self._world.scheduler.after(0.1, deliver)

    def _deliver(self, form: dict[str, str], fault: Fault | None, waited_seconds: float) -> None:
        kind = fault.kind if fault else None

        def post() -> Delivery:
            return self._product.post("at.sms", "sms", form, fault=kind)

        copies = fault.copies if fault and kind in ("duplicate", "parallel_duplicate") else 1
        if kind == "parallel_duplicate":
            with ThreadPoolExecutor(copies) as pool:
                answers = [twin.result() for twin in [pool.submit(post) for _ in range(copies)]]
        else:
            answers = [post() for _ in range(copies)]
        acknowledged = kind != "lose_reply" and all(a.status == 200 for a in answers)
        retry = self._world.behaviour.now.sms_retry_seconds
        waited = waited_seconds + retry
        if not acknowledged and waited <= _RETRIED_SECONDS:
            self._world.scheduler.after(
                retry, lambda: self._deliver(form, None, waited_seconds=waited)
            )
