"""Transaction status: ``/mpesa/transactionstatus/v1/query`` (Daraja 1.9)."""

from collections.abc import Callable

from flask import Flask

from standin.books import PROCESSED, Outcome, Payment
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
from standin.daraja.wire import Reply, c2b_like
from standin.money import to_shillings
from standin.scenarios import ANSWERS

API = c2b_like("status.sync")
_REASONS = {
    "b2c": "Business Payment to Customer via API",
    "stk": "Pay Bill Online",
    "paybill": "Pay Bill Online",
    "reversal": "Business to Customer Reversal via API",
}
_STATES = {
    "completed": "Completed",
    "pending": "Initiated",
    "failed": "Declined",
    "expired": "Expired",
}


def register(app: Flask, daraja: Daraja) -> None:
    """Serve the API."""
    route(app, daraja, "/mpesa/transactionstatus/v1/query", API, ask)


def ask(call: Call) -> Reply:
    """Look a payment up by receipt or by the id of its original request."""
    refused = refuse_initiator(call, "Initiator")
    if call.text("CommandID") != "TransactionStatusQuery":
        raise call.api.invalid("CommandID")
    call.text("PartyA")
    if call.text("IdentifierType") != "4":
        raise call.api.invalid("IdentifierType")
    receipt = call.optional("TransactionID", 64)
    original = call.optional("OriginalConversationID", 128)
    if not receipt and not original:
        raise call.api.invalid("TransactionID")
    read_remarks(call, "Occasion")
    result_url, timeout_url = read_urls(call)
    daraja = call.daraja
    found = find(daraja, receipt, original)
    request = Request(
        kind="status",
        conversation_id=identifiers.conversation(daraja.world.clock.now()),
        originator_id=identifiers.gateway_request(),
        result_url=result_url,
        timeout_url=timeout_url,
        fields=call.fields,
        msisdn=found.msisdn if found else "",
        amount=found.amount if found else 0,
        decide=lambda fault: _decide(daraja, receipt, original, refused),
    )
    return accept(call, request)


def find(daraja: Daraja, receipt: str, original: str) -> Payment | None:
    """Return the payment with this receipt, or else of this conversation."""
    books = daraja.world.books
    if receipt:
        return books.by_receipt(receipt) or next(
            (p for p in books.payments() if p.notes.get("transaction_id") == receipt), None
        )
    return books.by_conversation(original)


def _decide(
    daraja: Daraja, receipt: str, original: str, refused: Callable[[], Outcome | None]
) -> Verdict:
    dummy = identifiers.dummy_transaction(daraja.world.clock.now())
    payment = find(daraja, receipt, original)
    outcome = refused() or daraja.world.scenarios.answer(
        "status", payment.msisdn if payment else "", payment.amount if payment else None
    )
    if outcome is not None and not outcome.paid:
        return Verdict(outcome, dummy)
    if payment is None:
        return Verdict(ANSWERS["status"]["not_found"], dummy)
    return Verdict(PROCESSED, dummy, lambda shape: _details(daraja, payment, shape))


def _details(daraja: Daraja, payment: Payment, shape: Shape) -> Parameters:
    spaced = daraja.world.behaviour.now.spaced_keys
    settings = daraja.world.settings
    organisation = f"{payment.shortcode} - {settings.mpesa_initiator_name.upper()}"
    names = " ".join(daraja.world.books.customer(payment.msisdn).names)
    customer = f"{payment.msisdn} - {names}"
    inward = payment.kind in ("stk", "paybill")
    debit, credit = (customer, organisation) if inward else (organisation, customer)
    charge = f"Fee For B2C Payment|KES|{to_shillings(payment.charge)}"
    final = payment.completed_at
    return [
        ("ReceiptNo", payment.receipt or payment.notes.get("transaction_id")),
        ("Conversation ID" if spaced else "ConversationID", payment.conversation_id),
        (
            "Originator Conversation ID" if spaced else "OriginatorConversationID",
            payment.originator_conversation_id,
        ),
        ("TransactionStatus", status_text(payment)),
        ("Amount", money_value(daraja, shape.amount, shape)),
        ("InitiatedTime", int(payment.created_at.strftime("%Y%m%d%H%M%S"))),
        ("FinalisedTime", int(final.strftime("%Y%m%d%H%M%S")) if final else None),
        ("ReasonType", _REASONS[payment.kind]),
        ("TransactionReason", None),
        ("DebitPartyCharges", charge if payment.kind == "b2c" and payment.charge else None),
        ("CreditPartyCharges", None),
        ("DebitAccountType", "MMF Account For Customer" if inward else "Utility Account"),
        ("DebitPartyName", debit),
        ("CreditPartyName", credit),
    ]


def status_text(payment: Payment) -> str:
    """Return M-Pesa's word for a payment's state."""
    if payment.result_code == "1032":
        return "Cancelled"
    if payment.result_code in ("1037", "1019"):
        return "Expired"
    return _STATES[payment.state]
