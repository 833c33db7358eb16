"""What commands about payments share: who pays, repeated keys, messages."""

import secrets

from ledger.core.context import Context
from ledger.core.parties import Party
from ledger.core.payments import Payment, PaymentKind
from ledger.core.refusals import Refusal, RefusalCode, first
from ledger.db import outbox, payments, users
from ledger.db.engine import Connection

SYSTEM = Context.of_system("mpesa")


def new_token() -> str:
    """Return an unguessable path token; hexadecimal, so it holds no word that Daraja refuses."""
    return secrets.token_hex(16)


def inserted(
    connection: Connection,
    payment_id: int | None,
    user_id: int,
    amount: int,
    kind: PaymentKind,
    source: str,
    reference: str,
) -> Payment | Refusal:
    """Return the payment just inserted, or what a concurrent twin of the request inserted."""
    if payment_id is not None:
        payment = payments.get(connection, payment_id)
        assert payment is not None
        return payment
    earlier = payments.find_by_reference(connection, source, reference)
    if earlier is None:
        return Refusal(RefusalCode.KEY_REUSED, {"field": "user"})
    return same_request(earlier, user_id, amount, kind)


def same_request(
    earlier: Payment, user_id: int, amount: int, kind: PaymentKind
) -> Payment | Refusal:
    """Return the payment that a repeated key made, or name what differs this time."""
    compared = (("kind", earlier.kind, kind), ("user", earlier.user_id, user_id))
    for name, stored, asked in (*compared, ("amount", earlier.amount, amount)):
        if stored != asked:
            return Refusal(RefusalCode.KEY_REUSED, {"field": name})
    return earlier


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
