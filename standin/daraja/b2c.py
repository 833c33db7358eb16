"""B2C: ``/mpesa/b2c/v3/paymentrequest`` and the older ``v1`` (Daraja 1.8)."""

import re
from collections.abc import Callable

from flask import Flask

from standin.books import Outcome, Payment
from standin.daraja import identifiers
from standin.daraja.courier import Shape
from standin.daraja.results import (
    Parameters,
    Request,
    Verdict,
    accept,
    money_value,
    read_remarks,
    read_urls,
    refuse_initiator,
)
from standin.daraja.service import Call, Daraja, route
from standin.daraja.wire import RefusedError, Reply, b2c_like
from standin.faults import Fault
from standin.scenarios import EXPIRED, NOT_PERMITTED

API = b2c_like("b2c.sync")
_COMMANDS = ("BusinessPayment", "SalaryPayment", "PromotionPayment")
_MSISDN = re.compile(r"254[17][0-9]{8}")
_ORIGINATOR_MAX = 128


def register(app: Flask, daraja: Daraja) -> None:
    """Serve both versions."""
    route(app, daraja, "/mpesa/b2c/v3/paymentrequest", API, pay_v3)
    route(app, daraja, "/mpesa/b2c/v1/paymentrequest", API, pay_v1)


def pay_v3(call: Call) -> Reply:
    """Take a payout under the caller's own id, each id once."""
    return _pay(call, call.text("OriginatorConversationID", 1, _ORIGINATOR_MAX), "Occassion")


def pay_v1(call: Call) -> Reply:
    """Take a payout; the gateway makes the id, so nothing guards against repeats."""
    return _pay(call, identifiers.gateway_request(), "Occasion")


def _pay(call: Call, originator: str, occasion: str) -> Reply:
    refused = refuse_initiator(call, "InitiatorName")
    if call.text("CommandID") not in _COMMANDS:
        raise call.api.invalid("CommandID")
    amount = call.whole_amount()
    shortcode = call.text("PartyA")
    msisdn = call.text("PartyB")
    if not _MSISDN.fullmatch(msisdn):
        raise call.api.invalid("PartyB")
    remarks = read_remarks(call, occasion)
    result_url, timeout_url = read_urls(call)

    daraja = call.daraja
    now = daraja.world.clock.now()
    payment = Payment(
        kind="b2c",
        msisdn=msisdn,
        amount=amount,
        reference=remarks,
        created_at=now,
        shortcode=shortcode,
        conversation_id=identifiers.conversation(now),
        originator_conversation_id=originator,
    )
    if not daraja.world.books.open_once(payment):
        raise RefusedError(500, "500.002.1001", "Duplicate OriginatorConversationID.")
    request = Request(
        kind="b2c",
        conversation_id=str(payment.conversation_id),
        originator_id=originator,
        result_url=result_url,
        timeout_url=timeout_url,
        fields=call.fields,
        msisdn=msisdn,
        amount=amount,
        decide=lambda fault: _decide(daraja, payment, refused, fault),
    )
    return accept(call, request)


def _decide(
    daraja: Daraja,
    payment: Payment,
    refused: Callable[[], Outcome | None],
    fault: Fault | None,
) -> Verdict:
    """Pay, or fail with a TransactionID that looks like a receipt, as observed."""
    world = daraja.world
    receipt = identifiers.receipt(world.clock.now())
    payment.notes["transaction_id"] = receipt
    if fault is not None and fault.kind == "timeout_only":
        return Verdict(world.books.fail(payment, EXPIRED, "expired"), receipt)
    failure = refused() or world.scenarios.answer("b2c", payment.msisdn, payment.amount)
    if failure is None and payment.shortcode != world.settings.mpesa_b2c_shortcode:
        failure = NOT_PERMITTED
    if failure is not None and not failure.paid:
        return Verdict(world.books.fail(payment, failure), receipt)
    outcome = world.books.pay_out(payment, receipt)
    if not outcome.paid:
        return Verdict(outcome, receipt)
    return Verdict(outcome, receipt, lambda shape: _details(daraja, payment, shape))


def _details(daraja: Daraja, payment: Payment, shape: Shape) -> Parameters:
    books = daraja.world.books
    customer = books.customer(payment.msisdn)
    moment = payment.completed_at or payment.created_at
    number = payment.msisdn
    if daraja.world.behaviour.now.receiver_form == "local":
        number = f"0{number[3:]}"
    return [
        ("TransactionAmount", money_value(daraja, shape.amount, shape)),
        ("TransactionReceipt", payment.receipt),
        ("ReceiverPartyPublicName", f"{number} - {' '.join(customer.names)}"),
        ("TransactionCompletedDateTime", moment.strftime("%d.%m.%Y %H:%M:%S")),
        (
            "B2CUtilityAccountAvailableFunds",
            money_value(daraja, payment.utility_after or 0, shape),
        ),
        ("B2CWorkingAccountAvailableFunds", money_value(daraja, books.working, shape)),
        ("B2CRecipientIsRegisteredCustomer", "Y" if customer.registered else "N"),
        (
            "B2CChargesPaidAccountAvailableFunds",
            money_value(daraja, books.charges_paid, shape),
        ),
    ]
