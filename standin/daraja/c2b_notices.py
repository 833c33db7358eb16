"""C2B notifications: validation and confirmation of paybill payments (Daraja 1.12)."""

import hashlib
import json
from typing import Any

from standin.books import Payment
from standin.daraja.courier import Message, Shape
from standin.daraja.service import Daraja, Registration
from standin.daraja.wire import dumps
from standin.money import to_shillings

_HEADERS = {
    "Content-Type": "application/json;charset=UTF-8",
    "User-Agent": "ReactorNetty/1.2.9",
    "Accept": "*/*",
}
_REJECTIONS = frozenset({"C2B00011", "C2B00012", "C2B00013", "C2B00014", "C2B00015", "C2B00016"})


def confirm(daraja: Daraja, payment: Payment, delay: float = 0.0) -> None:
    """Send the confirmation of a completed payment, when its shortcode has a URL for it."""
    registration = daraja.c2b_urls.get(payment.shortcode)
    if registration is None or not registration.confirmation_url:
        return
    message = Message(
        at="c2b.confirm",
        url=registration.confirmation_url,
        msisdn=payment.msisdn,
        amount=payment.amount,
        build=lambda shape: notice(daraja, payment, registration, shape, confirmed=True),
    )
    fault = daraja.courier.pick("c2b.confirm", payment.msisdn, payment.amount)
    daraja.courier.deliver(message, fault, delay)


def validate(daraja: Daraja, payment: Payment, transaction_id: str) -> str | None:
    """Ask the product whether to take a payment. Returns the rejection's code, or None.

    An answer that is late, lost or unreadable leaves the decision to the registered
    ResponseType. An accepted answer's ThirdPartyTransID comes back in the confirmation.
    """
    world = daraja.world
    registration = daraja.c2b_urls.get(payment.shortcode)
    if not world.behaviour.now.validation or registration is None:
        return None
    if not registration.validation_url:
        return None
    shape = Shape(payment.amount)
    body = notice(daraja, payment, registration, shape, confirmed=False)
    body["TransID"] = transaction_id
    undecided = None if registration.response_type == "Completed" else "C2B00016"
    fault = world.faults.pick("c2b.validate", msisdn=payment.msisdn, amount=payment.amount)
    if fault is not None and fault.kind in ("drop", "late"):
        if fault.kind == "late":
            world.scheduler.after(fault.seconds or 3.0, lambda: _ask(daraja, registration, body))
        return undecided
    if fault is not None:
        for _ in range(fault.copies - 1):
            world.scheduler.after(0.0, lambda: _ask(daraja, registration, body))
    answer = _ask(daraja, registration, body)
    if answer is None:
        return undecided
    payment.third_party_id = str(answer.get("ThirdPartyTransID") or "")
    code = str(answer.get("ResultCode"))
    if code == "0":
        return None
    return code if code in _REJECTIONS else "C2B00016"


def notice(
    daraja: Daraja,
    payment: Payment,
    registration: Registration,
    shape: Shape,
    *,
    confirmed: bool,
) -> dict[str, Any]:
    """Return the body of a validation or confirmation: all values are strings."""
    behaviour = daraja.world.behaviour.now
    moment = payment.completed_at or payment.created_at
    first, last = daraja.world.books.customer(payment.msisdn).names
    form = behaviour.c2b_msisdn
    if form == "by_version":
        form = "hash" if registration.version == "v1" else "masked"
    amount: object = to_shillings(shape.amount)
    if shape.string_types:
        # Everything is a string already, so the drift here is numbers where strings belong.
        amount = shape.amount // 100
    utility = payment.utility_after if confirmed else None
    return {
        "TransactionType": "Pay Bill",
        "TransID": payment.receipt or "",
        "TransTime": moment.strftime("%Y%m%d%H%M%S"),
        "TransAmount": amount,
        "BusinessShortCode": payment.shortcode,
        "BillRefNumber": payment.reference,
        "InvoiceNumber": "",
        "OrgAccountBalance": "" if utility is None else to_shillings(utility),
        "ThirdPartyTransID": payment.third_party_id,
        "MSISDN": show_msisdn(payment.msisdn, form),
        "FirstName": first,
        "MiddleName": "",
        "LastName": last,
    }


def show_msisdn(msisdn: str, form: str) -> str:
    """Return a number plain, masked (v2) or as SHA-256 hex (v1)."""
    if form == "hash":
        return hashlib.sha256(msisdn.encode()).hexdigest()
    if form == "masked":
        return f"{msisdn[:4]} ***** {msisdn[-3:]}"
    return msisdn


def _ask(daraja: Daraja, registration: Registration, body: dict[str, Any]) -> dict[str, Any] | None:
    delivery = daraja.world.sender.post(
        "c2b.validate",
        registration.validation_url,
        dumps(body),
        _HEADERS,
        timeout_seconds=daraja.world.behaviour.now.validation_seconds,
    )
    if delivery.status != 200:
        return None
    try:
        answer = json.loads(delivery.answer)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None
