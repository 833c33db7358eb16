"""An STK prompt from the push to its callback: who answers it, and what the product is told
(Daraja 1.5 and 1.6).
"""

from datetime import timedelta
from typing import Any

from standin.books import Outcome, Payment
from standin.daraja import c2b_notices, identifiers
from standin.daraja.courier import Message, Shape
from standin.daraja.service import Daraja
from standin.daraja.wire import RawNumber, dumps
from standin.faults import Fault
from standin.prompts import Prompt
from standin.scenarios import (
    CANCELLED,
    CREDENTIAL_LOCKED,
    INITIATOR_INVALID,
    LOCKED_SUBSCRIBER,
    NOT_PERMITTED,
    RULE_LIMITED,
    UNREACHABLE,
)

_RUN_OUT = frozenset({"1037", "1019"})


def start(daraja: Daraja, prompt: Prompt) -> bool:
    """Send a prompt to its phone. False when another prompt is open there."""
    world, payment = daraja.world, prompt.payment
    behaviour = world.behaviour.now
    decided = _decided_without_customer(daraja, payment)
    if decided is None and not world.prompts.add(prompt):
        return False
    world.books.open(payment)
    if decided is None:
        prompt.shown = True
        prompt.timer = world.scheduler.after(
            behaviour.prompt_seconds, lambda: expire(daraja, prompt.id)
        )
        return True
    delay = behaviour.callback_seconds
    if decided.code in _RUN_OUT:
        delay = behaviour.prompt_seconds
    world.scheduler.after(delay, lambda: _finish(daraja, prompt, decided, delay=0.0))
    return True


def enter_pin(daraja: Daraja, msisdn: str, prompt_id: str, pin: str) -> Payment | None:
    """Answer an open prompt with a PIN. None when there is no such prompt any more."""
    prompt = daraja.world.prompts.take(prompt_id, msisdn)
    if prompt is None:
        return None
    with daraja.world.books.locked():
        customer = daraja.world.books.customer(msisdn)
        if customer.locked:
            outcome: Outcome | None = CREDENTIAL_LOCKED
        elif pin != customer.pin:
            customer.pin_failures += 1
            outcome = INITIATOR_INVALID
        else:
            customer.pin_failures = 0
            outcome = None
    _finish(daraja, prompt, outcome)
    return prompt.payment


def cancel(daraja: Daraja, msisdn: str, prompt_id: str) -> Payment | None:
    """Answer an open prompt with Cancel. None when there is no such prompt any more."""
    prompt = daraja.world.prompts.take(prompt_id, msisdn)
    if prompt is None:
        return None
    _finish(daraja, prompt, CANCELLED)
    return prompt.payment


def expire(daraja: Daraja, prompt_id: str) -> None:
    """End a prompt that nobody answered."""
    prompt = daraja.world.prompts.take(prompt_id)
    if prompt is not None:
        _finish(daraja, prompt, UNREACHABLE, delay=0.0)


def _decided_without_customer(daraja: Daraja, payment: Payment) -> Outcome | None:
    world = daraja.world
    scripted = world.scenarios.answer("stk", payment.msisdn, payment.amount)
    if scripted is not None:
        return scripted
    if not payment.notes["permitted"]:
        return NOT_PERMITTED
    if not world.books.customer(payment.msisdn).reachable:
        return UNREACHABLE
    if world.lines.busy(payment.msisdn):
        return LOCKED_SUBSCRIBER
    if _same_amount_paid_lately(daraja, payment):
        return RULE_LIMITED
    return None


def _same_amount_paid_lately(daraja: Daraja, payment: Payment) -> bool:
    span = timedelta(seconds=daraja.world.behaviour.now.same_amount_seconds)
    since = daraja.world.clock.now() - span
    return any(
        p.kind == "stk"
        and p.msisdn == payment.msisdn
        and p.amount == payment.amount
        and p.state == "completed"
        and p.completed_at is not None
        and p.completed_at > since
        for p in daraja.world.books.payments()
    )


def _finish(
    daraja: Daraja, prompt: Prompt, outcome: Outcome | None, delay: float | None = None
) -> None:
    """Move the money when the outcome is none or paid, and send the callback."""
    world, payment = daraja.world, prompt.payment
    if outcome is None or outcome.paid:
        outcome = world.books.pay_in(payment, identifiers.receipt(world.clock.now()))
    else:
        world.books.fail(payment, outcome)
    if delay is None:
        delay = world.behaviour.now.callback_seconds
    fault = daraja.courier.pick("stk.callback", payment.msisdn, payment.amount)
    message = _message(daraja, prompt, fault)
    daraja.courier.deliver(message, fault, delay)
    if outcome.paid and world.behaviour.now.stk_twin:
        c2b_notices.confirm(daraja, payment, delay)


def _message(daraja: Daraja, prompt: Prompt, fault: Fault | None) -> Message:
    payment = prompt.payment
    message = Message(
        at="stk.callback",
        url=prompt.callback_url,
        msisdn=payment.msisdn,
        amount=payment.amount,
        build=lambda shape: callback_body(daraja, payment, shape),
        delivered=prompt.delivered,
    )
    if fault is not None and fault.kind == "timeout_then_result":
        message.timeout_url = prompt.callback_url
        message.timeout_body = dumps(_envelope(payment, 1037, UNREACHABLE.text))
    return message


def callback_body(daraja: Daraja, payment: Payment, shape: Shape) -> dict[str, Any]:
    """Return the body of an STK callback (Daraja 1.5)."""
    behaviour = daraja.world.behaviour.now
    code: object = payment.result_code
    as_string = shape.string_types or behaviour.code_form == "string"
    if not as_string and str(code).isdigit():
        code = int(str(code))
    body = _envelope(payment, code, payment.result_text)
    if shape.unknown_ids:
        told = body["Body"]["stkCallback"]
        told["MerchantRequestID"] = identifiers.gateway_request()
        told["CheckoutRequestID"] = identifiers.checkout_request(
            daraja.world.clock.now(), payment.msisdn
        )
    if payment.receipt is None or shape.no_metadata or payment.completed_at is None:
        return body
    items: list[dict[str, Any]] = [
        {"Name": "Amount", "Value": amount_value(daraja, shape)},
        {"Name": "MpesaReceiptNumber", "Value": payment.receipt},
    ]
    if behaviour.balance_item == "without_value":
        items.append({"Name": "Balance"})
    elif behaviour.balance_item == "with_value":
        items.append({"Name": "Balance", "Value": RawNumber("0.00")})
    moment = payment.completed_at.strftime("%Y%m%d%H%M%S")
    items.append({"Name": "TransactionDate", "Value": moment if as_string else int(moment)})
    phone = payment.msisdn
    items.append({"Name": "PhoneNumber", "Value": phone if as_string else int(phone)})
    body["Body"]["stkCallback"]["CallbackMetadata"] = {"Item": items}
    return body


def amount_value(daraja: Daraja, shape: Shape) -> object:
    """Return an amount in the form that the behaviour or the fault asks for."""
    form = daraja.world.behaviour.now.amount_form
    shillings = shape.amount // 100
    if shape.string_types or form == "string":
        return str(shillings)
    if form == "decimal":
        return RawNumber(f"{shillings}.00")
    return float(shillings) if form == "float" else shillings


def _envelope(payment: Payment, code: object, text: str | None) -> dict[str, Any]:
    return {
        "Body": {
            "stkCallback": {
                "MerchantRequestID": payment.merchant_request_id,
                "CheckoutRequestID": payment.checkout_request_id,
                "ResultCode": code,
                "ResultDesc": text,
            }
        }
    }
