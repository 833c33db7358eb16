"""Reversal: ``/mpesa/reversal/v1/request``, for receipts of C2B and STK (Daraja 1.11)."""

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
from standin.daraja.wire import Reply, stk_like
from standin.faults import Fault
from standin.money import to_shillings
from standin.scenarios import ANSWERS, EXPIRED, NOT_PERMITTED

API = stk_like("reversal.sync")


def register(app: Flask, daraja: Daraja) -> None:
    """Serve the API."""
    route(app, daraja, "/mpesa/reversal/v1/request", API, reverse)


def reverse(call: Call) -> Reply:
    """Take a request to give a payer's money back."""
    refused = refuse_initiator(call, "Initiator")
    if call.text("CommandID") != "TransactionReversal":
        raise call.api.invalid("CommandID")
    receipt = call.text("TransactionID", 1, 64)
    amount = call.whole_amount()
    shortcode = call.text("ReceiverParty")
    if call.text("RecieverIdentifierType") != "11":
        raise call.api.invalid("RecieverIdentifierType")
    remarks = read_remarks(call, "Occasion")
    result_url, timeout_url = read_urls(call)
    daraja = call.daraja
    now = daraja.world.clock.now()
    original = daraja.world.books.by_receipt(receipt)
    payment = daraja.world.books.open(
        Payment(
            kind="reversal",
            msisdn=original.msisdn if original else "",
            amount=amount,
            reference=remarks,
            created_at=now,
            shortcode=shortcode,
            reverses=receipt,
            conversation_id=identifiers.conversation(now),
            originator_conversation_id=identifiers.gateway_request(),
        )
    )
    request = Request(
        kind="reversal",
        conversation_id=str(payment.conversation_id),
        originator_id=str(payment.originator_conversation_id),
        result_url=result_url,
        timeout_url=timeout_url,
        fields=call.fields,
        msisdn=payment.msisdn,
        amount=amount,
        decide=lambda fault: _decide(daraja, payment, original, refused, fault),
    )
    return accept(call, request)


def _decide(
    daraja: Daraja,
    payment: Payment,
    original: Payment | None,
    refused: Callable[[], Outcome | None],
    fault: Fault | None,
) -> Verdict:
    world = daraja.world
    receipt = identifiers.receipt(world.clock.now())
    payment.notes["transaction_id"] = receipt
    if fault is not None and fault.kind == "timeout_only":
        return Verdict(world.books.fail(payment, EXPIRED, "expired"), receipt)
    failure = refused() or world.scenarios.answer("reversal", payment.msisdn, payment.amount)
    if failure is None and payment.shortcode != world.settings.mpesa_shortcode:
        failure = NOT_PERMITTED
    if failure is None and original is None:
        failure = ANSWERS["reversal"]["invalid"]
    if original is None or (failure is not None and not failure.paid):
        invalid = failure or ANSWERS["reversal"]["invalid"]
        return Verdict(world.books.fail(payment, invalid), receipt)
    outcome = world.books.take_back(payment, original, receipt)
    if not outcome.paid:
        return Verdict(outcome, receipt)
    return Verdict(outcome, receipt, lambda shape: _details(daraja, payment, shape))


def _details(daraja: Daraja, payment: Payment, shape: Shape) -> Parameters:
    utility = to_shillings(payment.utility_after or 0)
    moment = payment.completed_at or payment.created_at
    names = " ".join(daraja.world.books.customer(payment.msisdn).names)
    organisation = f"{payment.shortcode} - {daraja.world.settings.mpesa_initiator_name.upper()}"
    return [
        ("DebitAccountBalance", f"Utility Account|KES|{utility}|{utility}|0.00|0.00"),
        ("Amount", money_value(daraja, shape.amount, shape)),
        ("TransCompletedTime", int(moment.strftime("%Y%m%d%H%M%S"))),
        ("OriginalTransactionID", payment.reverses),
        ("Charge", money_value(daraja, 0, shape)),
        ("CreditPartyPublicName", f"{payment.msisdn} - {names}"),
        ("DebitPartyPublicName", organisation),
    ]
