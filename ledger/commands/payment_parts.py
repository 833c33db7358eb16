"""What commands about payments share: who pays, repeated keys, messages."""

import secrets
from datetime import datetime

from ledger.core.context import Context
from ledger.core.parties import Party
from ledger.core.payments import Payment, PaymentRequest, PaymentState, same_request
from ledger.core.plans import new_receipt
from ledger.core.refusals import Refusal, RefusalCode, first
from ledger.db import outbox, payments, users
from ledger.db.engine import Connection

SYSTEM = Context.of_system("mpesa")
KEY_OF_ANOTHER = Refusal(RefusalCode.KEY_REUSED, {"field": "user"})
"""The key made a payment that row security hides from this customer."""


def new_token() -> str:
    """Return an unguessable path token; hexadecimal, so it holds no word that Daraja refuses."""
    return secrets.token_hex(16)


def repeated(connection: Connection, request: PaymentRequest) -> Payment | Refusal | None:
    """Return what a request's key made before, KEY_REUSED if it differs, None for a new key."""
    earlier = payments.find_by_reference(connection, request.source, request.reference)
    return None if earlier is None else same_request(earlier, request)


def create(
    connection: Connection,
    context: Context,
    request: PaymentRequest,
    party: Party,
    *,
    fee: int,
    due_at: datetime,
    originator_conversation_id: str | None = None,
) -> Payment | None:
    """Write down the payment asked for, in cents; None when a concurrent twin did it first."""
    new = payments.NewPayment(
        kind=request.kind,
        state=PaymentState.CREATED,
        user_id=request.user_id,
        msisdn=request.to or party.msisdn,
        amount=request.amount,
        fee=fee,
        token=new_token(),
        account_reference=new_receipt(),
        source=request.source,
        reference=request.reference,
        channel=context.channel,
        due_at=due_at,
        originator_conversation_id=originator_conversation_id,
    )
    payment_id = payments.insert(connection, new)
    return None if payment_id is None else payments.get(connection, payment_id)


def party_of(connection: Connection, user_id: int) -> Party | Refusal:
    """Return a customer who may move money, or why not."""
    found = users.find_parties(connection, user_ids=[user_id], msisdns=[])
    party = next(iter(found.values()), None)
    if party is None:
        return Refusal(RefusalCode.NOT_REGISTERED)
    refusal = first(
        (
            Refusal(RefusalCode.USER_CLOSED) if party.status != "active" else None,
            Refusal(RefusalCode.PIN_MUST_CHANGE) if party.pin_must_change else None,
            Refusal(RefusalCode.ACCOUNT_FROZEN) if party.wallet_status == "frozen" else None,
            Refusal(RefusalCode.ACCOUNT_CLOSED) if party.wallet_status == "closed" else None,
        )
    )
    return party if refusal is None else refusal


def figures(payment: Payment) -> dict[str, int | str]:
    """Return the parameters of a receipt; M-Pesa's own receipt may come later (row 22)."""
    figures: dict[str, int | str] = {"amount": payment.amount}
    if payment.mpesa_receipt is not None:
        figures["mpesa_receipt"] = payment.mpesa_receipt
    return figures


def tell(connection: Connection, payment: Payment, template: str, **params: int | str) -> None:
    """Queue a message to the customer of a payment; commits with what it tells."""
    assert payment.user_id is not None
    found = users.find_parties(connection, user_ids=[payment.user_id], msisdns=[])
    party = next(iter(found.values()))
    outbox.put(connection, party.message(template, params), payment_id=payment.id)
