"""Money that customers send by hand (C2B): look up before, book after, suspense for the rest."""

from dataclasses import replace
from datetime import UTC, datetime

from ledger.commands import deposits, evidence
from ledger.commands.evidence import Applied
from ledger.commands.payment_parts import SYSTEM, new_token
from ledger.core.context import Context
from ledger.core.parties import Party
from ledger.core.paybill import (
    CUSTOMER_PAYMENTS,
    PaybillPayment,
    account_msisdn,
    plain_account_number,
)
from ledger.core.payments import (
    OPEN_STATES,
    Decision,
    Evidence,
    EvidenceSource,
    Payment,
    PaymentKind,
    PaymentState,
    Step,
    Verdict,
    cents_in_suspense,
    decide,
)
from ledger.core.plans import Posted
from ledger.core.refusals import Refusal, RefusalCode
from ledger.core.rules import Rules
from ledger.db import audit, callbacks, payments, users
from ledger.db.engine import Connection, Database
from ledger.db.rules_cache import current_rules


def refuse_paybill(database: Database, account_number: str, amount: int) -> Refusal | None:
    """Say before a payment whether its account can take it. Reads only (Daraja 1.12)."""
    rules = current_rules(database)

    def work(connection: Connection) -> Refusal | None:
        if _open_prompt(connection, account_number) is not None:
            return None
        party = _party_named(connection, account_number)
        if party is None:
            return Refusal(RefusalCode.RECIPIENT_UNKNOWN)
        if party.wallet_status != "active":
            return Refusal(RefusalCode.ACCOUNT_FROZEN)
        if party.balance + amount > rules.wallet_maximum:
            return Refusal(RefusalCode.WALLET_FULL)
        return None

    return database.run(SYSTEM, work)


def receive(database: Database, callback_id: int, paid: PaybillPayment) -> Applied | None:
    """Book a confirmed payment once, whatever it is: a deposit's twin, a wallet's, or nobody's.

    Returns None when another worker has the body.
    """
    rules = current_rules(database)

    def work(connection: Connection) -> Applied | None:
        if not callbacks.take(connection, callback_id):
            return None
        applied = _apply(connection, paid, rules)
        evidence.settle_body(connection, callback_id, applied)
        return applied

    return database.run(SYSTEM, work)


def unknown_receipts(database: Database, receipts: list[str]) -> set[str]:
    """Return those M-Pesa receipts that none of our payments carries."""
    known = database.run(SYSTEM, lambda connection: payments.known_receipts(connection, receipts))
    return set(receipts) - known


def recover(database: Database, paid: PaybillPayment) -> Applied:
    """Book a payment that M-Pesa lists and whose confirmation never reached us.

    The list answers our own question, so it is believed like a confirmation; should that
    come later it is recognised by its receipt.
    """
    rules = current_rules(database)
    return database.run(
        SYSTEM, lambda connection: _apply(connection, paid, rules, EvidenceSource.PULL)
    )


def _apply(
    connection: Connection,
    paid: PaybillPayment,
    rules: Rules,
    source: EvidenceSource = EvidenceSource.TWIN,
) -> Applied:
    known = payments.find_by_receipt(connection, paid.receipt)
    if known is not None:
        # The twin of a prompt's callback, or the same confirmation again (rows 1, 15).
        if known.amount != paid.amount:
            payments.update(connection, known.id, review_reason="amount_mismatch")
            return Applied(known.id, Decision(Step.CONFLICT, "amount_mismatch"))
        return Applied(known.id, Decision(Step.NOTHING, "twin"))
    prompt = _prompt_of(connection, paid.account_number)
    if prompt is not None:
        locked = payments.lock(connection, prompt.id)
        assert locked is not None
        statement = _statement(paid, source)
        if decide(locked, statement).step in (Step.COMPLETE, Step.ATTACH):
            return evidence.apply_to(connection, locked, statement, rules)
    party = _party_of_payment(connection, paid, prompt)
    return _book(connection, paid, party, rules, source)


def _statement(paid: PaybillPayment, source: EvidenceSource) -> Evidence:
    return Evidence(
        source=source,
        verdict=Verdict.PAID,
        code="0",
        amount=paid.amount,
        receipt=paid.receipt,
        paid_at=paid.paid_at,
    )


def _book(
    connection: Connection,
    paid: PaybillPayment,
    party: Party | None,
    rules: Rules,
    source: EvidenceSource,
) -> Applied:
    payment_id = payments.insert(connection, _new_payment(connection, paid, party, source))
    if payment_id is None:
        # A twin of this confirmation committed in between; the retry finds it.
        raise RuntimeError("the receipt was booked a moment ago")
    payment = payments.get(connection, payment_id)
    assert payment is not None
    posted, reason = deposits.credit(connection, payment, party, rules, paid.payer_name)
    if reason == "unknown_account" and paid.kind.lower() not in CUSTOMER_PAYMENTS:
        reason = "business_transfer"
    payments.update(
        connection,
        payment_id,
        state=PaymentState.COMPLETED.value,
        transaction_id=posted.transaction_id,
        suspense_reason=reason,
        settled_at=datetime.now(UTC),
    )
    return Applied(payment_id, Decision(Step.COMPLETE, "success" if reason is None else reason))


def _new_payment(
    connection: Connection, paid: PaybillPayment, party: Party | None, source: EvidenceSource
) -> payments.NewPayment:
    payer = paid.payer_msisdn
    if payer is None and paid.payer_hash is not None:
        # Whoever paid may be a customer: a hint for the person who allocates, no more.
        payer = users.find_msisdn_by_hash(connection, paid.payer_hash)
    return payments.NewPayment(
        kind=PaymentKind.PAYBILL,
        state=PaymentState.PENDING,
        user_id=None if party is None else party.user_id,
        msisdn=payer,
        amount=paid.amount,
        fee=0,
        token=new_token(),
        account_reference=paid.account_number,
        source="c2b",
        reference=paid.receipt,
        channel="paybill",
        mpesa_receipt=paid.receipt,
        payer_name=paid.payer_name,
        paid_at=paid.paid_at or datetime.now(UTC),
        settled_by=source.value,
    )


def _party_of_payment(
    connection: Connection, paid: PaybillPayment, prompt: Payment | None
) -> Party | None:
    if paid.kind.lower() not in CUSTOMER_PAYMENTS:
        return None
    if prompt is not None and prompt.user_id is not None:
        found = users.find_parties(connection, user_ids=[prompt.user_id], msisdns=[])
        return next(iter(found.values()), None)
    return _party_named(connection, paid.account_number)


def _party_named(connection: Connection, account_number: str) -> Party | None:
    msisdn = account_msisdn(account_number)
    if msisdn is None:
        return None
    party = users.find_parties(connection, user_ids=[], msisdns=[msisdn]).get(msisdn)
    return party if party is not None and party.status == "active" else None


def _prompt_of(connection: Connection, account_number: str) -> Payment | None:
    return payments.find_deposit_by_account_reference(
        connection, plain_account_number(account_number)
    )


def _open_prompt(connection: Connection, account_number: str) -> Payment | None:
    prompt = _prompt_of(connection, account_number)
    return prompt if prompt is not None and prompt.state in OPEN_STATES else None


def allocate(
    database: Database, context: Context, payment_id: int, msisdn: str, *, why: str = ""
) -> Payment | Refusal:
    """Give money in suspense to a customer; an admin's decision, recorded with actor and reason.

    Whoever gives it to the same customer again, as after a lost connection, gets the same answer.
    """
    rules = current_rules(database)

    def work(connection: Connection) -> Payment | Refusal:
        payment = payments.lock(connection, payment_id)
        if payment is None:
            return Refusal(RefusalCode.PAYMENT_UNKNOWN)
        party = users.find_parties(connection, user_ids=[], msisdns=[msisdn]).get(msisdn)
        if party is None:
            return Refusal(RefusalCode.RECIPIENT_UNKNOWN)
        if payment.suspense_resolution == "allocated" and payment.user_id == party.user_id:
            return payment
        is_going_back = payments.open_reversal_of(connection, payment_id) is not None
        if not cents_in_suspense(payment) or is_going_back:
            return Refusal(RefusalCode.STATE_CONFLICT)
        posted = deposits.allocate(connection, context, payment, party, rules)
        if isinstance(posted, Refusal):
            return posted
        return _allocated(connection, payment, party, posted, why)

    return database.run(context, work)


def _allocated(
    connection: Connection, payment: Payment, party: Party, posted: Posted, why: str
) -> Payment:
    new = {"user_id": party.user_id, "transaction_id": posted.transaction_id, "why": why}
    payments.update(connection, payment.id, suspense_resolution="allocated", user_id=party.user_id)
    audit.record(connection, "suspense.allocated", "payment", payment.id, new=new)
    return replace(payment, suspense_resolution="allocated", user_id=party.user_id)
