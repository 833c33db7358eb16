"""Wallet to wallet: the quote that a sender sees, and the transfer itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.core.chart import Kind, SystemAccount
from ledger.core.context import Context
from ledger.core.parties import Party
from ledger.core.plans import Message, Plan, Posted, Usage
from ledger.core.refusals import Refusal, RefusalCode, first
from ledger.core.rules import Rules, nairobi_day
from ledger.db import kernel, users
from ledger.db.engine import Connection, Database
from ledger.db.rules_cache import current_rules


@dataclass(frozen=True, slots=True)
class Quote:
    """What a sender sees before the PIN: cents, and two names with the number masked."""

    recipient_name: str
    recipient_msisdn_masked: str
    amount: int
    fee: int
    total: int


@dataclass(frozen=True, slots=True)
class _Order:
    """A transfer that somebody asks for, with the rules at that moment."""

    context: Context
    sender_id: int
    recipient_msisdn: str
    amount: int
    source: str
    reference: str
    rules: Rules


def quote(
    database: Database, context: Context, sender_id: int, recipient_msisdn: str, amount: int
) -> Quote | Refusal:
    """Say what a transfer would cost and to whom it would go, or why it can't be made."""
    rules = current_rules(database)
    found = database.call(
        lambda connection: users.find_parties(
            connection, user_ids=[sender_id], msisdns=[recipient_msisdn]
        )
    )
    parties = _pair(found, sender_id, recipient_msisdn)
    if isinstance(parties, Refusal):
        return parties
    sender, recipient = parties
    fee = rules.fee("transfer", amount)
    short = sender.balance < amount + fee
    refusal = first(
        (
            rules.refuse_amount("transfer", amount),
            Refusal(RefusalCode.INSUFFICIENT_FUNDS, {"balance": sender.balance, "fee": fee})
            if short
            else None,
        )
    )
    if refusal is not None:
        return refusal
    public = recipient.public
    return Quote(public["name"], public["msisdn"], amount, fee, amount + fee)


def transfer(
    database: Database,
    context: Context,
    sender_id: int,
    recipient_msisdn: str,
    amount: int,
    *,
    source: str,
    reference: str,
) -> Posted | Refusal:
    """Move cents from a customer's wallet to a member's; both are told by SMS.

    The PIN has been checked before. The fee of the tariff in force is charged on top. Transfers
    that are asked for at the same moment travel together.
    """
    rules = current_rules(database)
    order = _Order(context, sender_id, recipient_msisdn, amount, source, reference, rules)
    return database.together(
        _transfer_together, order, lambda connection: _transfer_alone(connection, order)
    )


def _transfer_alone(connection: Connection, order: _Order) -> Posted | Refusal:
    plan = _plans(connection, [order])[0]
    if isinstance(plan, Refusal):
        return plan
    answer = kernel.post(connection, order.context, plan)
    return _told_to_sender(answer, plan) if isinstance(answer, Refusal) else answer


def _transfer_together(
    connection: Connection, orders: list[_Order]
) -> list[Posted | Refusal | None]:
    plans = _plans(connection, orders)
    asked = [
        (order.context, plan)
        for order, plan in zip(orders, plans, strict=True)
        if not isinstance(plan, Refusal)
    ]
    posted = iter(kernel.post_group(connection, asked))
    return [plan if isinstance(plan, Refusal) else next(posted) for plan in plans]


def _plans(connection: Connection, orders: list[_Order]) -> list[Plan | Refusal]:
    found = users.find_parties(
        connection,
        user_ids=[order.sender_id for order in orders],
        msisdns=[order.recipient_msisdn for order in orders],
    )
    return [_plan(order, found) for order in orders]


def _plan(order: _Order, found: Mapping[str, Party]) -> Plan | Refusal:
    """Return the postings and receipts of a transfer: the sender pays amount and fee."""
    parties = _pair(found, order.sender_id, order.recipient_msisdn)
    if isinstance(parties, Refusal):
        return parties
    rules, amount = order.rules, order.amount
    refusal = rules.refuse_amount("transfer", amount)
    if refusal is not None:
        return refusal
    sender, recipient = parties
    fee = rules.fee("transfer", amount)
    debits = {
        sender.wallet_account_id: amount + fee,
        recipient.wallet_account_id: -amount,
    }
    if fee:
        debits[SystemAccount.REVENUE_FEES] = -fee
    return Plan(
        kind=Kind.TRANSFER,
        source=order.source,
        reference=order.reference,
        debits=debits,
        request={
            "amount": amount,
            "sender": sender.wallet_account_id,
            "recipient": recipient.wallet_account_id,
        },
        details={"fee": fee, "from": sender.public, "to": recipient.public},
        ceilings={recipient.wallet_account_id: rules.wallet_maximum},
        usage=Usage(
            account_id=sender.wallet_account_id,
            kind="transfer",
            day=nairobi_day(datetime.now(UTC)),
            amount=amount,
            daily_max=rules.limits["transfer"].daily,
        ),
        messages=(
            _receipt(sender, recipient, "transfer_sent", {"amount": amount, "fee": fee}),
            _receipt(recipient, sender, "transfer_received", {"amount": amount}),
        ),
    )


def _receipt(reader: Party, other: Party, template: str, figures: dict[str, int | str]) -> Message:
    params = {**figures, **other.public}
    return reader.message(template, params, balance_of=reader.wallet_account_id)


def _pair(
    found: Mapping[str, Party], sender_id: int, recipient_msisdn: str
) -> tuple[Party, Party] | Refusal:
    sender = next((party for party in found.values() if party.user_id == sender_id), None)
    recipient = found.get(recipient_msisdn)
    if sender is None:
        return Refusal(RefusalCode.NOT_REGISTERED)
    refusal = first(
        (
            Refusal(RefusalCode.USER_CLOSED) if sender.status != "active" else None,
            Refusal(RefusalCode.RECIPIENT_UNKNOWN)
            if recipient is None or recipient.status != "active"
            else None,
            Refusal(RefusalCode.RECIPIENT_IS_SENDER)
            if recipient is not None and recipient.user_id == sender_id
            else None,
            Refusal(RefusalCode.PIN_MUST_CHANGE) if sender.pin_must_change else None,
            Refusal(RefusalCode.ACCOUNT_FROZEN) if sender.wallet_status == "frozen" else None,
            Refusal(RefusalCode.RECIPIENT_CANNOT_RECEIVE)
            if recipient is not None and recipient.wallet_status != "active"
            else None,
        )
    )
    if refusal is not None:
        return refusal
    assert recipient is not None
    return sender, recipient


def _told_to_sender(refusal: Refusal, plan: Plan) -> Refusal:
    """Word the kernel's refusal for the sender: nothing about the recipient's wallet leaks."""
    if refusal.details.get("account_id") != plan.request["sender"]:
        if refusal.code in (
            RefusalCode.ACCOUNT_FROZEN,
            RefusalCode.ACCOUNT_CLOSED,
            RefusalCode.WALLET_FULL,
        ):
            return Refusal(RefusalCode.RECIPIENT_CANNOT_RECEIVE)
        return refusal
    if refusal.code is RefusalCode.INSUFFICIENT_FUNDS:
        fee = -plan.debits.get(SystemAccount.REVENUE_FEES, 0)
        return Refusal(refusal.code, {"balance": refusal.details["balance"], "fee": fee})
    return refusal
