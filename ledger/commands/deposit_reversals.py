"""Deposits on their way back to their payer: hold, ask M-Pesa, post or release."""

from datetime import UTC, datetime

from ledger.commands.payment_parts import SYSTEM, new_token
from ledger.core.chart import Kind, SystemAccount
from ledger.core.context import Context
from ledger.core.parties import Party
from ledger.core.payments import Payment, PaymentKind, PaymentState, cents_in_suspense
from ledger.core.plans import Message, Plan, moving, new_receipt
from ledger.core.refusals import Refusal, RefusalCode, first
from ledger.db import audit, kernel, payments, users
from ledger.db.engine import Connection, Database

RESOLVED_BY_REVERSAL = "reversed"


def request_reversal(
    database: Database, context: Context, payment_id: int, reason: str
) -> Payment | Refusal:
    """Hold a deposit's money, in the wallet or in suspense, and ask M-Pesa to return it.

    Refused when the customer has spent it, when there is no M-Pesa receipt yet, and when a
    reversal of it is open or done. The original row is locked, so two admins can't both do it.
    """

    def work(connection: Connection) -> Payment | Refusal:
        original = payments.lock(connection, payment_id)
        if original is None:
            return Refusal(RefusalCode.PAYMENT_UNKNOWN)
        refusal = _refuse(connection, original)
        if refusal is not None:
            return refusal
        made_id = payments.insert(connection, _new(original, context))
        assert made_id is not None
        made = payments.get(connection, made_id)
        assert made is not None
        posted = kernel.post(connection, context, _hold(connection, made, original))
        if isinstance(posted, Refusal):
            return posted
        payments.update(connection, made_id, hold_transaction_id=posted.transaction_id)
        audit.record(
            connection,
            "payment.reversal_requested",
            "payment",
            payment_id,
            new={"reversal": made_id, "reason": reason[:200]},
        )
        return made

    return database.run(context, work)


def receipt_to_reverse(database: Database, payment: Payment) -> str:
    """Return the M-Pesa receipt that a reversal names."""
    original = database.run(SYSTEM, lambda connection: _original(connection, payment))
    assert original.mpesa_receipt is not None
    return original.mpesa_receipt


def _refuse(connection: Connection, original: Payment) -> Refusal | None:
    moved_in = original.kind in (PaymentKind.DEPOSIT, PaymentKind.PAYBILL)
    earlier = payments.open_reversal_of(connection, original.id)
    settled = moved_in and original.state is PaymentState.COMPLETED
    return first(
        (
            None if settled else Refusal(RefusalCode.STATE_CONFLICT),
            None if original.mpesa_receipt else Refusal(RefusalCode.PAYMENT_PENDING),
            None if earlier is None else Refusal(RefusalCode.ALREADY_REVERSED),
        )
    )


def _new(original: Payment, context: Context) -> payments.NewPayment:
    token = new_token()
    return payments.NewPayment(
        kind=PaymentKind.REVERSAL,
        state=PaymentState.CREATED,
        user_id=original.user_id,
        msisdn=original.msisdn,
        amount=original.amount,
        fee=0,
        token=token,
        account_reference=new_receipt(),
        source="reversal",
        reference=token,
        channel=context.channel,
        due_at=datetime.now(UTC),
        reverses_payment_id=original.id,
    )


def _is_in_suspense(original: Payment) -> bool:
    return original.suspense_reason is not None and original.suspense_resolution is None


def _source_account(connection: Connection, original: Payment) -> tuple[int, Party | None]:
    party = None
    if original.user_id is not None:
        found = users.find_parties(connection, user_ids=[original.user_id], msisdns=[])
        party = next(iter(found.values()), None)
    if _is_in_suspense(original) or party is None:
        return SystemAccount.SUSPENSE, party
    return party.wallet_account_id, party


def _hold(connection: Connection, made: Payment, original: Payment) -> Plan:
    debit, _ = _source_account(connection, original)
    return Plan(
        kind=Kind.DEPOSIT_REVERSAL_HOLD,
        source="mpesa",
        reference=f"payment:{made.id}:hold",
        debits=moving(made.amount, debit=debit, credit=SystemAccount.PENDING_WITHDRAWALS),
        request={"payment": made.id, "amount": made.amount},
        details={"mpesa_receipt": original.mpesa_receipt or "", "reverses_payment": original.id},
        payment_id=made.id,
    )


def complete(connection: Connection, payment: Payment, learnt: dict[str, object]) -> None:
    """Book a reversal that M-Pesa made, store what was learnt with it, tell the customer."""
    original = _original(connection, payment)
    account_id, party = _source_account(connection, original)
    # Late after a release, the money leaves from where it went back to.
    released = payment.state is PaymentState.FAILED
    debit = account_id if released else SystemAccount.PENDING_WITHDRAWALS
    if cents_in_suspense(payment):
        debit = SystemAccount.SUSPENSE
    posted = kernel.post(connection, SYSTEM, _settlement(payment, party, debit))
    suspense_reason = None
    if isinstance(posted, Refusal):
        suspense_reason = f"reversed_after_release:{posted.code.value}"
        posted = kernel.post(
            connection, SYSTEM, _settlement(payment, party, SystemAccount.SUSPENSE)
        )
    if isinstance(posted, Refusal):
        raise AssertionError(f"a settlement was refused: {posted.code}")
    payments.update(
        connection,
        payment.id,
        **learnt,
        state=PaymentState.COMPLETED.value,
        transaction_id=posted.transaction_id,
        settled_at=datetime.now(UTC),
        suspense_reason=suspense_reason,
        review_reason=None,
        due_at=None,
    )
    if original.suspense_reason is not None:
        payments.update(connection, original.id, suspense_resolution=RESOLVED_BY_REVERSAL)


def _settlement(payment: Payment, party: Party | None, debit: int) -> Plan:
    told: tuple[Message, ...] = ()
    if party is not None:
        told = (party.message("deposit_reversed", {"amount": payment.amount}),)
    return Plan(
        kind=Kind.DEPOSIT_REVERSAL_SETTLEMENT,
        source="mpesa",
        reference=f"payment:{payment.id}:settlement",
        debits=moving(payment.amount, debit=debit, credit=SystemAccount.CASH),
        request={"payment": payment.id, "amount": payment.amount},
        details={"mpesa_receipt": payment.mpesa_receipt or ""},
        payment_id=payment.id,
        messages=told,
    )


def fail(connection: Connection, payment: Payment, code: str, text: str) -> None:
    """Give the hold back to where it came from after a definite failure."""
    original = _original(connection, payment)
    credit, _ = _source_account(connection, original)
    posted = kernel.post(connection, SYSTEM, _void(payment, credit))
    suspense_reason = None
    if isinstance(posted, Refusal):
        suspense_reason = posted.code.value
        posted = kernel.post(connection, SYSTEM, _void(payment, SystemAccount.SUSPENSE))
    if isinstance(posted, Refusal):
        raise AssertionError(f"a release was refused: {posted.code}")
    payments.update(
        connection,
        payment.id,
        state=PaymentState.FAILED.value,
        result_code=code,
        result_text=text,
        settled_at=datetime.now(UTC),
        suspense_reason=suspense_reason,
        review_reason="reversal_failed",
        due_at=None,
    )


def _void(payment: Payment, credit: int) -> Plan:
    return Plan(
        kind=Kind.DEPOSIT_REVERSAL_VOID,
        source="mpesa",
        reference=f"payment:{payment.id}:void",
        debits=moving(payment.amount, debit=SystemAccount.PENDING_WITHDRAWALS, credit=credit),
        request={"payment": payment.id, "amount": payment.amount},
        payment_id=payment.id,
    )


def _original(connection: Connection, payment: Payment) -> Payment:
    assert payment.reverses_payment_id is not None
    original = payments.get(connection, payment.reverses_payment_id)
    assert original is not None
    return original
