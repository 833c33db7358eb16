"""From the product to phones: what a sent SMS costs, where it lands, and its delivery reports."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from standin.africastalking import networks
from standin.africastalking.gsm7 import sms_parts
from standin.africastalking.product import Product
from standin.faults import Fault
from standin.inbox import Inboxes
from standin.world import World

PART_COST = 8000
"""Price of one SMS part in ten-thousandths of a shilling, the unit of Africa's Talking."""
BALANCE_OPENING = 1_000_000 * 10_000
DEFAULT_SENDER = "AFRICASTKNG"

STATUS_NAMES = {
    101: "Success",
    102: "Success",
    401: "RiskHold",
    402: "InvalidSenderId",
    403: "InvalidPhoneNumber",
    404: "UnsupportedNumberType",
    405: "InsufficientBalance",
    406: "UserInBlacklist",
    407: "CouldNotRoute",
    409: "DoNotDisturbRejection",
    500: "InternalServerError",
    501: "GatewayError",
    502: "RejectedByGateway",
}
"""``statusCode`` to ``status``; a queued message (102) says ``Success`` too."""


def kes(units: int) -> str:
    """Return ten-thousandths of a shilling as ``KES 0.8000``."""
    return f"KES {units // 10_000}.{units % 10_000:04d}"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One entry of ``Recipients``. ``cost`` in ten-thousandths of a shilling."""

    number: str
    code: int
    cost: int = 0
    message_id: str = "None"

    @property
    def accepted(self) -> bool:
        """Whether the message is on its way."""
        return self.code in (101, 102)

    def as_json(self) -> dict[str, object]:
        """Return the entry as the SMS API spells it."""
        return {
            "statusCode": self.code,
            "number": self.number,
            "status": STATUS_NAMES[self.code],
            "cost": kes(self.cost) if self.accepted else "0",
            "messageId": self.message_id,
        }


class Outbound:
    """Bulk SMS: balance, opt-outs, delivery and reports. Thread-safe."""

    def __init__(self, world: World, product: Product, inboxes: Inboxes) -> None:
        self._world = world
        self._product = product
        self._inboxes = inboxes
        self._lock = threading.Lock()
        self._balance = BALANCE_OPENING
        self._opted_out: set[str] = set()

    @property
    def balance(self) -> int:
        """The app's credit in ten-thousandths of a shilling."""
        with self._lock:
            return self._balance

    def set_balance(self, units: int) -> None:
        """Set the app's credit."""
        with self._lock:
            self._balance = units

    def reset(self) -> None:
        """Full credit, and nobody has opted out."""
        with self._lock:
            self._balance = BALANCE_OPENING
            self._opted_out.clear()

    def opt_out(self, msisdn: str) -> None:
        """Refuse bulk SMS to this phone from now on (406)."""
        with self._lock:
            self._opted_out.add(msisdn)

    def has_opted_out(self, msisdn: str) -> bool:
        """Whether bulk SMS to this phone are refused."""
        with self._lock:
            return msisdn in self._opted_out

    def opt_in(self, msisdn: str) -> None:
        """Take bulk SMS to this phone again."""
        with self._lock:
            self._opted_out.discard(msisdn)

    def send(self, number: str, sender: str, text: str, *, enqueue: bool) -> Recipient:
        """Accept or refuse a message to one recipient and, if accepted, bring it to the phone."""
        msisdn = number.removeprefix("+")
        if not number.startswith("+") or not msisdn.isascii() or not msisdn.isdigit():
            return Recipient(number, 403)
        if not 10 <= len(msisdn) <= 15:
            return Recipient(number, 403)
        parts = sms_parts(text)
        with self._lock:
            if msisdn in self._opted_out:
                return Recipient(number, 406)
            if self._balance < parts * PART_COST:
                return Recipient(number, 405)
            self._balance -= parts * PART_COST
        recipient = Recipient(
            number, 102 if enqueue else 101, parts * PART_COST, f"ATXid_{uuid.uuid4().hex}"
        )
        self._bring(msisdn, sender, text, parts, recipient.message_id)
        return recipient

    def _bring(self, msisdn: str, sender: str, text: str, parts: int, message_id: str) -> None:
        fault = self._world.faults.pick("at.report", msisdn=msisdn)
        kind = fault.kind if fault else None
        reachable = self._world.books.customer(msisdn).reachable and kind != "refuse"
        if reachable:
            self._inboxes.put(msisdn, sender, text, parts)
            statuses = ["Sent", "Success"]
        else:
            statuses = ["Sent", "Submitted", "Buffered", "Failed"]
        if kind == "drop":
            return
        if kind == "reorder":
            statuses.reverse()
        delay = 0.0 if kind == "early" else self._world.behaviour.now.report_seconds
        if fault is not None and kind == "late":
            delay += 5.0 if fault.seconds is None else fault.seconds
        forms = [self._report(msisdn, status, message_id) for status in statuses]
        self._report_later(forms, delay, fault)

    def _report_later(self, forms: list[dict[str, str]], delay: float, fault: Fault | None) -> None:
        """Post the first report after a delay, and then the others, one after the other."""
        kind = fault.kind if fault else None
        copies = fault.copies if fault and kind in ("duplicate", "parallel_duplicate") else 1

        def post(_copy: int) -> object:
            return self._product.post("at.report", "sms-reports", forms[0], fault=kind)

        def work() -> None:
            if kind == "parallel_duplicate":
                with ThreadPoolExecutor(copies) as pool:
                    list(pool.map(post, range(copies)))
            else:
                for copy in range(copies):
                    post(copy)
            if forms[1:]:
                self._report_later(forms[1:], self._world.behaviour.now.report_seconds, fault)

        self._world.scheduler.after(delay, work)

    @staticmethod
    def _report(msisdn: str, status: str, message_id: str) -> dict[str, str]:
        form = {
            "id": message_id,
            "status": status,
            "phoneNumber": f"+{msisdn}",
            "networkCode": networks.of(msisdn).code,
        }
        if status == "Failed":
            form["failureReason"] = "DeliveryFailure"
        return form
