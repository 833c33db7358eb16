"""Wallet to wallet: the quote that a sender sees, and the transfer itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.core.chart import Kind, SystemAccount
from ledger.core.context import Context
from ledger.core.parties import Party
from ledger.core.plans import Message, Plan, Posted, RequestValue, Usage
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
    order = _Order(context, sender_id, recipient_msisdn, amount, "", "", rules)
    found = database.call(lambda connection: _find_parties(connection, [order]))
    sender, recipient = _pair(found, order)
    fee = rules.fee("transfer", amount)
    refusal = _refusal(order, sender, recipient) or _refusal_of_balance(sender, amount, fee)
    if refusal is not None:
        return refusal
    assert recipient is not None
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
    that are asked for at the same moment travel together. A key that was posted keeps its answer,
    whatever has become of the two customers and the rules since.
    """
    rules = current_rules(database)
    order = _Order(context, sender_id, recipient_msisdn, amount, source, reference, rules)
    return database.together(
        _transfer_together, order, lambda connection: _transfer_alone(connection, order)
    )


def _transfer_alone(connection: Connection, order: _Order) -> Posted | Refusal:
    sender, recipient = _pair(_find_parties(connection, [order]), order)
    plan = _plan(order, sender, recipient)
    if isinstance(plan, Refusal):
        request = _request(order, sender, recipient)
        before = kernel.posted_before(
            connection, Kind.TRANSFER, order.source, order.reference, request
        )
        return before or plan
    answer = kernel.post(connection, order.context, plan)
    return _told_to_sender(answer, plan) if isinstance(answer, Refusal) else answer


def _transfer_together(connection: Connection, orders: list[_Order]) -> list[Posted | None]:
    """Post what nothing speaks against; None for what must be looked at alone."""
    found = _find_parties(connection, orders)
    plans = [_plan(order, *_pair(found, order)) for order in orders]
    asked = [
        (order.context, plan)
        for order, plan in zip(orders, plans, strict=True)
        if not isinstance(plan, Refusal)
    ]
    posted = iter(kernel.post_group(connection, asked))
    return [None if isinstance(plan, Refusal) else next(posted) for plan in plans]


def _find_parties(connection: Connection, orders: list[_Order]) -> Mapping[str, Party]:
    return users.find_parties(
        connection,
        user_ids=[order.sender_id for order in orders],
        msisdns=[order.recipient_msisdn for order in orders],
    )


def _pair(found: Mapping[str, Party], order: _Order) -> tuple[Party | None, Party | None]:
    sender = next((party for party in found.values() if party.user_id == order.sender_id), None)
    return sender, found.get(order.recipient_msisdn)


def _plan(order: _Order, sender: Party | None, recipient: Party | None) -> Plan | Refusal:
    """Return the postings and receipts of a transfer: the sender pays amount and fee."""
    refusal = _refusal(order, sender, recipient)
    if refusal is not None:
        return refusal
    assert sender is not None
    assert recipient is not None
    rules, amount = order.rules, order.amount
    fee = rules.fee("transfer", amount)
    wallet = sender.wallet_account_id
    debits = {wallet: amount + fee, recipient.wallet_account_id: -amount}
    if fee:
        debits[SystemAccount.REVENUE_FEES] = -fee
    day = nairobi_day(datetime.now(UTC))
    return Plan(
        kind=Kind.TRANSFER,
        source=order.source,
        reference=order.reference,
        debits=debits,
        request=_request(order, sender, recipient),
        details={"fee": fee, "from": sender.public, "to": recipient.public},
        ceilings={recipient.wallet_account_id: rules.wallet_maximum},
        usage=Usage(wallet, "transfer", day, amount, rules.limits["transfer"].daily),
        messages=(
            _receipt(sender, recipient, "transfer_sent", {"amount": amount, "fee": fee}),
            _receipt(recipient, sender, "transfer_received", {"amount": amount}),
        ),
    )


def _request(
    order: _Order, sender: Party | None, recipient: Party | None
) -> dict[str, RequestValue]:
    return {
        "amount": order.amount,
        "sender": None if sender is None else sender.wallet_account_id,
        "recipient": None if recipient is None else recipient.wallet_account_id,
    }


def _receipt(reader: Party, other: Party, template: str, figures: dict[str, int | str]) -> Message:
    params = {**figures, **other.public}
    return reader.message(template, params, balance_of=reader.wallet_account_id)


def _refusal(order: _Order, sender: Party | None, recipient: Party | None) -> Refusal | None:
    """Return why these two can't send and receive this amount, by the order of precedence."""
    if sender is None:
        return Refusal(RefusalCode.NOT_REGISTERED)
    speaks_against = {
        RefusalCode.USER_CLOSED: sender.status != "active",
        RefusalCode.RECIPIENT_UNKNOWN: recipient is None or recipient.status != "active",
        RefusalCode.RECIPIENT_IS_SENDER: recipient is not None
        and recipient.user_id == order.sender_id,
        RefusalCode.PIN_MUST_CHANGE: sender.pin_must_change,
        RefusalCode.ACCOUNT_FROZEN: sender.wallet_status == "frozen",
        RefusalCode.RECIPIENT_CANNOT_RECEIVE: recipient is not None
        and recipient.wallet_status != "active",
    }
    return first(
        (
            *(Refusal(code) for code, holds in speaks_against.items() if holds),
            order.rules.refuse_amount("transfer", order.amount),
        )
    )


def _refusal_of_balance(sender: Party | None, amount: int, fee: int) -> Refusal | None:
    if sender is None or sender.balance >= amount + fee:
        return None
    return Refusal(RefusalCode.INSUFFICIENT_FUNDS, {"balance": sender.balance, "fee": fee})


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
