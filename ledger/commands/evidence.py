"""Apply what is known about a payment to the ledger: one transaction, one decision, once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ledger.commands import deposit_reversals, deposits, withdrawals
from ledger.commands.payment_parts import SYSTEM
from ledger.core.payments import (
    Decision,
    Evidence,
    Payment,
    PaymentKind,
    PaymentState,
    Step,
    Verdict,
    decide,
)
from ledger.core.rules import Rules
from ledger.db import audit, callbacks, payments
from ledger.db.engine import Connection, Database
from ledger.db.rules_cache import current_rules

_ASK_DELAY = timedelta(seconds=5)
_QUARANTINED = frozenset({Step.ASK, Step.CONFLICT})
_LOOKS_MAX = 6
"""Two minutes in all, for identifiers that may stand in an answer still on its way (row 27)."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a statement led to. ``payment_id`` is None when it fitted no payment."""

    payment_id: int | None
    decision: Decision


UNMATCHED = Applied(None, Decision(Step.ASK, "no_such_payment"))
_WAITING = Applied(None, Decision(Step.NOTHING, "waits_for_its_payment"))

Complete = Callable[[Connection, Payment, dict[str, object], Rules], None]
Fail = Callable[[Connection, Payment, Evidence, Rules], None]


def apply_callback(
    database: Database, callback_id: int, token: str, evidence: Evidence
) -> Applied | None:
    """Apply a stored body to the payment of its token, and settle the body with it.

    Returns None when another worker has the body. A body whose token fits no payment but
    whose identifiers do only makes us ask Daraja; it is never believed. When they fit none
    either, they are looked for again for two minutes.
    """
    rules = current_rules(database)

    def work(connection: Connection) -> Applied | None:
        if not callbacks.take(connection, callback_id):
            return None
        applied = _apply_by_token(connection, token, evidence, rules)
        if (
            applied is UNMATCHED
            and _names_something(evidence)
            and callbacks.wait_for_match(connection, callback_id, looks_max=_LOOKS_MAX)
        ):
            return _WAITING
        settle_body(connection, callback_id, applied)
        return applied

    return database.run(SYSTEM, work)


def settle_body(connection: Connection, callback_id: int, applied: Applied) -> None:
    """Write to a stored body what it led to; a person looks at those set aside."""
    quarantined = applied.decision.step in _QUARANTINED
    callbacks.settle(
        connection,
        callback_id,
        state="quarantined" if quarantined else "processed",
        verdict=applied.decision.reason,
        payment_id=applied.payment_id,
    )


def apply(database: Database, payment_id: int, evidence: Evidence) -> Applied:
    """Apply what we asked Daraja ourselves."""
    rules = current_rules(database)

    def work(connection: Connection) -> Applied:
        payment = payments.lock(connection, payment_id)
        if payment is None:
            return UNMATCHED
        return apply_to(connection, payment, evidence, rules)

    return database.run(SYSTEM, work)


def _apply_by_token(
    connection: Connection, token: str, evidence: Evidence, rules: Rules
) -> Applied:
    payment = payments.lock_by_token(connection, token)
    if payment is None:
        named = _find_named(connection, evidence)
        payment = None if named is None else payments.lock(connection, named.id)
        if payment is None:
            return UNMATCHED
        evidence = replace(evidence, token_matched=False)
    return apply_to(connection, payment, evidence, rules)


def _names_something(evidence: Evidence) -> bool:
    ids = (
        evidence.checkout_request_id,
        evidence.conversation_id,
        evidence.originator_conversation_id,
    )
    return any(value is not None for value in ids)


def _find_named(connection: Connection, evidence: Evidence) -> Payment | None:
    if evidence.checkout_request_id is not None:
        return payments.find_by_checkout(connection, evidence.checkout_request_id)
    for conversation_id in (evidence.conversation_id, evidence.originator_conversation_id):
        if conversation_id is not None:
            found = payments.find_by_conversation(connection, conversation_id)
            if found is not None:
                return found
    return None


def apply_to(connection: Connection, payment: Payment, evidence: Evidence, rules: Rules) -> Applied:
    """Decide about a locked payment and do what was decided, inside the open transaction."""
    decision = decide(payment, evidence)
    believed = decision.step in (Step.COMPLETE, Step.ATTACH)
    if believed and _receipt_is_used(connection, payment, evidence):
        decision = Decision(Step.CONFLICT, "receipt_used")
    if decision.step is Step.COMPLETE:
        learnt = _news(payment, evidence)
        _SETTLE[payment.kind](connection, _with(payment, learnt), learnt, rules)
        if decision.reason == "late_success":
            _record_late_success(connection, payment)
    elif decision.step is Step.FAIL:
        payment = _learn(connection, payment, evidence)
        _FAIL[payment.kind](connection, payment, evidence, rules)
    elif decision.step is Step.ATTACH:
        _learn(connection, payment, evidence)
    elif decision.step is Step.DOUBT:
        _doubt(connection, payment, evidence)
    elif decision.step is Step.ASK:
        _ask(connection, payment, decision)
    elif decision.step is Step.CONFLICT:
        _show(connection, payment, evidence, decision)
    return Applied(payment.id, decision)


def _record_late_success(connection: Connection, payment: Payment) -> None:
    audit.record(
        connection,
        "payment.succeeded_late",
        "payment",
        payment.id,
        old={"state": payment.state.value},
        new={"state": PaymentState.COMPLETED.value},
    )


def _receipt_is_used(connection: Connection, payment: Payment, evidence: Evidence) -> bool:
    if evidence.receipt is None:
        return False
    holder = payments.find_by_receipt(connection, evidence.receipt)
    return holder is not None and holder.id != payment.id


def _news(payment: Payment, evidence: Evidence) -> dict[str, object]:
    """Return the columns that a statement brought and we did not have."""
    offered: dict[str, object] = {
        "checkout_request_id": evidence.checkout_request_id,
        "merchant_request_id": evidence.merchant_request_id,
        "conversation_id": evidence.conversation_id,
        "mpesa_receipt": evidence.receipt if evidence.verdict is Verdict.PAID else None,
        "paid_at": evidence.paid_at,
    }
    news = {
        name: value
        for name, value in offered.items()
        if value is not None and getattr(payment, name) is None
    }
    if payment.state is not PaymentState.COMPLETED:
        news |= {
            "settled_by": evidence.source.value,
            "result_code": evidence.code,
            "result_text": evidence.text,
        }
    return news


def _with(payment: Payment, news: dict[str, object]) -> Payment:
    return replace(payment, **news)  # type: ignore[arg-type]  # names are the columns'


def _learn(connection: Connection, payment: Payment, evidence: Evidence) -> Payment:
    """Store what a statement brought, where nothing else is written about the payment."""
    news = _news(payment, evidence)
    if news:
        payments.update(connection, payment.id, **news)
    return _with(payment, news)


def _doubt(connection: Connection, payment: Payment, evidence: Evidence) -> None:
    payments.update(
        connection,
        payment.id,
        state=PaymentState.UNKNOWN.value,
        result_code=evidence.code,
        result_text=evidence.text,
        due_at=_sooner(payment.due_at),
    )
    if payment.kind is PaymentKind.WITHDRAWAL and payment.state is not PaymentState.UNKNOWN:
        withdrawals.tell_pending(connection, payment)


def _ask(connection: Connection, payment: Payment, decision: Decision) -> None:
    """Ask Daraja soon about a payment for which something odd was said.

    Anybody can post to us, so what is posted brings a question forward to 5 s from now at most.
    """
    news: dict[str, object] = {"review_reason": decision.reason}
    if payment.submitted_at is not None and payment.state is not PaymentState.COMPLETED:
        news["due_at"] = _sooner(payment.due_at)
    payments.update(connection, payment.id, **news)


def _sooner(due_at: datetime | None) -> datetime:
    soon = datetime.now(UTC) + _ASK_DELAY
    return soon if due_at is None else min(due_at, soon)


def _show(connection: Connection, payment: Payment, evidence: Evidence, decision: Decision) -> None:
    payments.update(connection, payment.id, review_reason=decision.reason)
    audit.record(
        connection,
        "payment.contradicted",
        "payment",
        payment.id,
        old={"state": payment.state.value, "mpesa_receipt": payment.mpesa_receipt},
        new={
            "reason": decision.reason,
            "source": evidence.source.value,
            "code": evidence.code,
            "mpesa_receipt": evidence.receipt,
        },
    )


def _complete_deposit(
    connection: Connection, payment: Payment, learnt: dict[str, object], rules: Rules
) -> None:
    deposits.complete(connection, payment, learnt, rules)


def _complete_withdrawal(
    connection: Connection, payment: Payment, learnt: dict[str, object], rules: Rules
) -> None:
    withdrawals.complete(connection, payment, learnt)


def _complete_reversal(
    connection: Connection, payment: Payment, learnt: dict[str, object], rules: Rules
) -> None:
    deposit_reversals.complete(connection, payment, learnt)


def _fail_deposit(
    connection: Connection, payment: Payment, evidence: Evidence, rules: Rules
) -> None:
    deposits.fail(connection, payment, evidence.code, evidence.text)


def _fail_withdrawal(
    connection: Connection, payment: Payment, evidence: Evidence, rules: Rules
) -> None:
    withdrawals.fail(connection, payment, evidence.code, evidence.text)


def _fail_reversal(
    connection: Connection, payment: Payment, evidence: Evidence, rules: Rules
) -> None:
    deposit_reversals.fail(connection, payment, evidence.code, evidence.text)


_SETTLE: dict[PaymentKind, Complete] = {
    PaymentKind.DEPOSIT: _complete_deposit,
    PaymentKind.WITHDRAWAL: _complete_withdrawal,
    PaymentKind.REVERSAL: _complete_reversal,
}
_FAIL: dict[PaymentKind, Fail] = {
    PaymentKind.DEPOSIT: _fail_deposit,
    PaymentKind.WITHDRAWAL: _fail_withdrawal,
    PaymentKind.REVERSAL: _fail_reversal,
}
