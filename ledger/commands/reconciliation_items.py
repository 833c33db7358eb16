"""What people do about mismatches: note, ignore, or post the correction, two of them when large."""

from datetime import UTC, datetime

from ledger.commands import deposits, evidence
from ledger.commands.payment_parts import new_token
from ledger.core.context import Context
from ledger.core.payments import (
    Evidence,
    EvidenceSource,
    Payment,
    PaymentKind,
    PaymentState,
    Step,
    Verdict,
)
from ledger.core.plans import Posted
from ledger.core.reconciliation import Category, ItemAction, needs_second_person
from ledger.core.refusals import Refusal, RefusalCode
from ledger.core.rules import Rules
from ledger.db import audit, payments, reconciliation
from ledger.db.engine import Connection, Database
from ledger.db.reconciliation import Item
from ledger.db.rules_cache import current_rules

_CREDITED = frozenset({Category.MISSING_LEDGER, Category.STATUS_MISMATCH})


def ignore(database: Database, context: Context, item_id: int, notes: str) -> Item | Refusal:
    """Close an item that needs nothing done, saying why."""
    return _close(database, context, item_id, "ignored", notes, ItemAction.NOTE)


def resolve(
    database: Database,
    context: Context,
    item_id: int,
    notes: str,
    action: ItemAction = ItemAction.NOTE,
) -> Item | Refusal:
    """Close an item, posting a correction if asked for.

    A correction above the threshold is only proposed by the first member of staff; the
    same call by a second one carries it out.
    """
    return _close(database, context, item_id, "resolved", notes, action)


def _close(
    database: Database,
    context: Context,
    item_id: int,
    state: str,
    notes: str,
    action: ItemAction,
) -> Item | Refusal:
    rules = current_rules(database)

    def work(connection: Connection) -> Item | Refusal:
        item = reconciliation.take_item(connection, item_id)
        if item is None:
            return Refusal(RefusalCode.ITEM_UNKNOWN)
        if item.state != "pending":
            return Refusal(RefusalCode.STATE_CONFLICT)
        if needs_second_person(action, item.amount) and not _is_second(context, item, action):
            reconciliation.propose(connection, item_id, action, context.actor, notes)
            _audit(connection, item, "reconciliation.proposed", notes, action)
            return _renewed(connection, item_id)
        transaction_id = None
        if action is ItemAction.CREDIT:
            posted = _credit(connection, item, rules)
            if isinstance(posted, Refusal):
                return posted
            transaction_id = posted
        reconciliation.close_item(
            connection,
            item_id,
            state,
            notes=notes,
            resolver=context.actor,
            transaction_id=transaction_id,
        )
        _audit(connection, item, f"reconciliation.{state}", notes, action)
        return _renewed(connection, item_id)

    return database.run(context, work)


def _is_second(context: Context, item: Item, action: ItemAction) -> bool:
    return (
        item.proposed_by is not None
        and item.proposed_by != context.actor
        and item.proposed_action == action
    )


def _credit(connection: Connection, item: Item, rules: Rules) -> int | Refusal | None:
    """Book what M-Pesa has and we lack; returns the transaction's id."""
    amount = item.actual
    if item.category not in _CREDITED or item.receipt is None or not amount or amount < 0:
        return Refusal(RefusalCode.STATE_CONFLICT)
    if item.payment_id is not None:
        return _credit_payment(connection, item.payment_id, item.receipt, amount, rules)
    return _book_unknown(connection, item.receipt, amount, rules)


def _credit_payment(
    connection: Connection, payment_id: int, receipt: str, amount: int, rules: Rules
) -> int | Refusal | None:
    payment = payments.lock(connection, payment_id)
    if payment is None:
        return Refusal(RefusalCode.PAYMENT_UNKNOWN)
    statement = Evidence(
        source=EvidenceSource.ADMIN, verdict=Verdict.PAID, code="0", amount=amount, receipt=receipt
    )
    applied = evidence.apply_to(connection, payment, statement, rules)
    if applied.decision.step is not Step.COMPLETE:
        return Refusal(RefusalCode.STATE_CONFLICT, {"reason": applied.decision.reason})
    done = payments.get(connection, payment_id)
    return None if done is None else done.transaction_id


def _book_unknown(connection: Connection, receipt: str, amount: int, rules: Rules) -> int | Refusal:
    """Book a receipt that no payment of ours has: into suspense, for a person to allocate."""
    if payments.find_by_receipt(connection, receipt) is not None:
        return Refusal(RefusalCode.RECEIPT_USED)
    payment_id = payments.insert(
        connection,
        payments.NewPayment(
            kind=PaymentKind.PAYBILL,
            state=PaymentState.PENDING,
            user_id=None,
            msisdn=None,
            amount=amount,
            fee=0,
            token=new_token(),
            account_reference="",
            source="reconciliation",
            reference=receipt,
            channel="console",
            mpesa_receipt=receipt,
            paid_at=datetime.now(UTC),
            settled_by=EvidenceSource.ADMIN.value,
        ),
    )
    payment = None if payment_id is None else payments.get(connection, payment_id)
    if payment is None:
        return Refusal(RefusalCode.RECEIPT_USED)
    posted, reason = deposits.credit(connection, payment, None, rules)
    _complete(connection, payment, posted, reason)
    return posted.transaction_id


def _complete(connection: Connection, payment: Payment, posted: Posted, reason: str | None) -> None:
    payments.update(
        connection,
        payment.id,
        state=PaymentState.COMPLETED.value,
        transaction_id=posted.transaction_id,
        suspense_reason=reason,
        settled_at=datetime.now(UTC),
    )


def _renewed(connection: Connection, item_id: int) -> Item:
    item = reconciliation.get_item(connection, item_id)
    assert item is not None
    return item


def _audit(
    connection: Connection, item: Item, action: str, notes: str, correction: ItemAction
) -> None:
    audit.record(
        connection,
        action,
        "reconciliation_item",
        item.id,
        old={"state": item.state},
        new={"why": notes, "correction": correction, "subject": item.subject},
    )
