"""Money out to M-Pesa (B2C): hold first, send later, settle or release on a verdict only."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from ledger.commands import pauses
from ledger.commands.payment_parts import (
    KEY_OF_ANOTHER,
    SYSTEM,
    create,
    figures,
    party_of,
    repeated,
    tell,
)
from ledger.core.chart import Kind, SystemAccount
from ledger.core.context import Context
from ledger.core.daraja_codes import payout_failure
from ledger.core.money import AMOUNT_CENTS_MAX
from ledger.core.msisdn import mask_msisdn
from ledger.core.parties import Party
from ledger.core.payments import Payment, PaymentKind, PaymentRequest, PaymentState
from ledger.core.plans import Plan, Posted, Usage, moving
from ledger.core.refusals import Refusal, RefusalCode, first
from ledger.core.rules import Rules, nairobi_day
from ledger.core.withdrawals import account_holding, daily_maximum, refuse_withdrawal
from ledger.db import audit, kernel, payments, users
from ledger.db.engine import Connection, Database
from ledger.db.rules_cache import current_rules


@dataclass(frozen=True, slots=True)
class WithdrawalQuote:
    """What a customer sees before the PIN, in cents."""

    amount: int
    fee: int
    total: int


def pays_others(database: Database) -> bool:
    """Tell whether a limit allows withdrawals to another number than the customer's own."""
    return current_rules(database).pays_others


def quote(
    database: Database, context: Context, user_id: int, amount: int, *, to: str | None = None
) -> WithdrawalQuote | Refusal:
    """Say what a withdrawal would cost, or why it can't be made now. Writes nothing.

    ``to`` is as in ``request_withdrawal``.
    """
    rules = current_rules(database)

    def work(connection: Connection) -> WithdrawalQuote | Refusal:
        party = party_of(connection, user_id)
        if isinstance(party, Refusal):
            return party
        fee = rules.fee("withdrawal", amount)
        refusal = first(
            (
                _refuse(connection, party, to, amount, rules),
                Refusal(RefusalCode.INSUFFICIENT_FUNDS, {"balance": party.balance, "fee": fee})
                if party.balance < amount + fee
                else None,
            )
        )
        return refusal or WithdrawalQuote(amount, fee, amount + fee)

    return database.run(context, work)


def request_withdrawal(
    database: Database,
    context: Context,
    user_id: int,
    amount: int,
    *,
    source: str,
    reference: str,
    to: str | None = None,
) -> Payment | Refusal:
    """Hold an amount in cents and its fee, and promise a payout.

    It goes to the customer's own number, or to ``to`` (stored form) while a limit of the kind
    ``withdrawal_other`` allows that. The PIN has been checked before. The row, the hold and the
    originator id that Daraja will know the payout by are committed together; a worker sends it.
    The same (source, reference) gives the same payment again.
    """
    rules = current_rules(database)
    request = PaymentRequest(PaymentKind.WITHDRAWAL, user_id, amount, source, reference, to)
    return database.run(context, lambda connection: _request(connection, context, request, rules))


def _request(
    connection: Connection, context: Context, request: PaymentRequest, rules: Rules
) -> Payment | Refusal:
    answer = _repeated(connection, request)
    if answer is not None:
        return answer
    party = party_of(connection, request.user_id)
    if isinstance(party, Refusal):
        return party
    refusal = _refuse(connection, party, request.to, request.amount, rules)
    if refusal is not None:
        return refusal
    payment = create(
        connection,
        context,
        request,
        party,
        fee=rules.fee("withdrawal", request.amount),
        due_at=datetime.now(UTC),
        originator_conversation_id=str(uuid4()),
    )
    if payment is None:
        return _repeated(connection, request) or KEY_OF_ANOTHER
    return _hold(connection, context, payment, party, rules)


def _repeated(connection: Connection, request: PaymentRequest) -> Payment | Refusal | None:
    """Return what a request's key made before; the number must be the same too."""
    answer = repeated(connection, request)
    if isinstance(answer, Payment):
        number = request.to or _party(connection, answer).msisdn
        if answer.msisdn != number:
            return Refusal(RefusalCode.KEY_REUSED, {"field": "number"})
    return answer


def _refuse(
    connection: Connection, party: Party, to: str | None, amount: int, rules: Rules
) -> Refusal | None:
    paused = bool(pauses.reasons(connection))
    return refuse_withdrawal(party, to, amount, rules, paused=paused, now=datetime.now(UTC))


def _hold(
    connection: Connection, context: Context, payment: Payment, party: Party, rules: Rules
) -> Payment | Refusal:
    """Move amount and fee from the wallet to what is pending, within the day's limit."""
    daily_max = daily_maximum(party, payment.msisdn, rules, datetime.now(UTC))
    posted = kernel.post(connection, context, _hold_plan(payment, party, daily_max))
    if isinstance(posted, Refusal):
        if posted.code is RefusalCode.INSUFFICIENT_FUNDS:
            return Refusal(posted.code, {"balance": posted.details["balance"], "fee": payment.fee})
        return posted
    payments.update(connection, payment.id, hold_transaction_id=posted.transaction_id)
    held = payments.get(connection, payment.id)
    assert held is not None
    return held


def _hold_plan(payment: Payment, party: Party, daily_max: int) -> Plan:
    to = _destination(payment)
    told: dict[str, int | str] = {
        "amount": payment.amount,
        "fee": payment.fee,
        "msisdn": to["msisdn"],
    }
    return Plan(
        kind=Kind.WITHDRAWAL_HOLD,
        source="mpesa",
        reference=f"payment:{payment.id}:hold",
        debits=moving(
            payment.amount + payment.fee,
            debit=party.wallet_account_id,
            credit=SystemAccount.PENDING_WITHDRAWALS,
        ),
        request={"payment": payment.id, "amount": payment.amount, "fee": payment.fee},
        details={"fee": payment.fee, "to": to},
        payment_id=payment.id,
        usage=_usage(payment, party, payment.amount, daily_max),
        messages=(party.message("withdrawal_requested", told, balance_of=party.wallet_account_id),),
    )


def _destination(payment: Payment) -> dict[str, str]:
    assert payment.msisdn is not None
    return {"name": "M-Pesa", "msisdn": mask_msisdn(payment.msisdn)}


def _usage(payment: Payment, party: Party, amount: int, daily_max: int) -> Usage:
    return Usage(
        account_id=party.wallet_account_id,
        kind="withdrawal",
        day=nairobi_day(payment.created_at),
        amount=amount,
        daily_max=daily_max,
    )


def complete(connection: Connection, payment: Payment, learnt: dict[str, object]) -> None:
    """Book a payout that M-Pesa made, and store what was learnt with it."""
    posted, suspense_reason = _settle(connection, payment)
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


def _settle(connection: Connection, payment: Payment) -> tuple[Posted, str | None]:
    """Take the money from where it is held; after a release from the wallet, if it is there.

    Returns the posting and the reason for a gap in suspense. What was paid is never refused.
    """
    party = _party(connection, payment)
    held_on = account_holding(payment, party)
    suspense_reason = None
    posted = kernel.post(connection, SYSTEM, _settlement(payment, party, held_on))
    if isinstance(posted, Refusal) and held_on == party.wallet_account_id:
        # Paid out, released, and spent or frozen since: the float has shrunk all the same.
        suspense_reason = f"paid_out_after_release:{posted.code.value}"
        in_suspense = _settlement(payment, party, SystemAccount.SUSPENSE)
        posted = kernel.post(connection, SYSTEM, in_suspense)
    if isinstance(posted, Refusal):
        raise AssertionError(f"a settlement was refused: {posted.code}")
    return posted, suspense_reason


def _settlement(payment: Payment, party: Party, debit: int) -> Plan:
    debits = {debit: payment.amount + payment.fee, int(SystemAccount.CASH): -payment.amount}
    if payment.fee:
        debits[SystemAccount.REVENUE_FEES] = -payment.fee
    return Plan(
        kind=Kind.WITHDRAWAL_SETTLEMENT,
        source="mpesa",
        reference=f"payment:{payment.id}:settlement",
        debits=debits,
        request={"payment": payment.id, "amount": payment.amount, "fee": payment.fee},
        details={
            "fee": payment.fee,
            "mpesa_receipt": payment.mpesa_receipt or "",
            "to": _destination(payment),
        },
        payment_id=payment.id,
        messages=(
            party.message(
                "withdrawal_completed",
                {
                    **figures(payment),
                    "fee": payment.fee,
                    "msisdn": _destination(payment)["msisdn"],
                },
                balance_of=debit if debit == party.wallet_account_id else None,
            ),
        ),
    )


def fail(connection: Connection, payment: Payment, code: str, text: str) -> None:
    """Give the hold back after a definite failure, and pause payouts if the fault is ours."""
    failure = payout_failure(code)
    _release(connection, payment, code, text, failure.template)
    if failure.pause_reason is not None:
        pauses.pause(connection, failure.pause_reason, code, payment.id)


def refused(connection: Connection, payment: Payment, code: str, text: str) -> None:
    """Give the hold back because Daraja certainly did not take the request."""
    _release(connection, payment, code, text, "withdrawal_failed_service")
    payments.update(connection, payment.id, review_reason="payout_refused")


def _release(connection: Connection, payment: Payment, code: str, text: str, template: str) -> None:
    party = _party(connection, payment)
    posted = kernel.post(connection, SYSTEM, _void(payment, party, template, to_wallet=True))
    suspense_reason = None
    if isinstance(posted, Refusal):
        # A frozen wallet takes nothing: the money waits for a person.
        suspense_reason = posted.code.value
        posted = kernel.post(connection, SYSTEM, _void(payment, party, template, to_wallet=False))
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
        due_at=None,
    )


def _void(payment: Payment, party: Party, template: str, *, to_wallet: bool) -> Plan:
    credit = party.wallet_account_id if to_wallet else SystemAccount.SUSPENSE
    params: dict[str, int | str] = {"amount": payment.amount}
    return Plan(
        kind=Kind.WITHDRAWAL_VOID,
        source="mpesa",
        reference=f"payment:{payment.id}:void",
        debits=moving(
            payment.amount + payment.fee, debit=SystemAccount.PENDING_WITHDRAWALS, credit=credit
        ),
        request={"payment": payment.id, "amount": payment.amount, "fee": payment.fee},
        details={"fee": payment.fee, "from": {"name": "M-Pesa", "msisdn": ""}},
        payment_id=payment.id,
        usage=_usage(payment, party, -payment.amount, AMOUNT_CENTS_MAX),
        messages=(
            party.message(
                template if to_wallet else "money_in_suspense",
                params,
                balance_of=party.wallet_account_id if to_wallet else None,
            ),
        ),
    )


def tell_pending(connection: Connection, payment: Payment) -> None:
    """Tell the customer once that M-Pesa has not answered and that the money is held."""
    tell(connection, payment, "withdrawal_pending", amount=payment.amount)
    audit.record(connection, "payment.in_doubt", "payment", payment.id)


def _party(connection: Connection, payment: Payment) -> Party:
    assert payment.user_id is not None
    found = users.find_parties(connection, user_ids=[payment.user_id], msisdns=[])
    return next(iter(found.values()))
