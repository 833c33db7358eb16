"""Wallet to wallet: the quote that a sender sees, and the transfer itself."""

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


def quote(
    database: Database, context: Context, sender_id: int, recipient_msisdn: str, amount: int
) -> Quote | Refusal:
    """Say what a transfer would cost and to whom it would go, or why it can't be made."""
    rules = current_rules(database)
    parties = database.call(
        lambda connection: _load_parties(connection, sender_id, recipient_msisdn)
    )
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

    The PIN has been checked before. The fee of the tariff in force is charged on top.
    """
    rules = current_rules(database)

    def work(connection: Connection) -> Posted | Refusal:
        parties = _load_parties(connection, sender_id, recipient_msisdn)
        if isinstance(parties, Refusal):
            return parties
        refusal = rules.refuse_amount("transfer", amount)
        if refusal is not None:
            return refusal
        sender, recipient = parties
        plan = transfer_plan(sender, recipient, amount, rules, source, reference)
        answer = kernel.post(connection, context, plan)
        return _told_to_sender(answer, sender, plan) if isinstance(answer, Refusal) else answer

    return database.call(work)


def transfer_plan(
    sender: Party, recipient: Party, amount: int, rules: Rules, source: str, reference: str
) -> Plan:
    """Return the postings and receipts of a transfer: sender pays amount and fee."""
    fee = rules.fee("transfer", amount)
    debits = {
        sender.wallet_account_id: amount + fee,
        recipient.wallet_account_id: -amount,
    }
    if fee:
        debits[SystemAccount.REVENUE_FEES] = -fee
    return Plan(
        kind=Kind.TRANSFER,
        source=source,
        reference=reference,
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


def _load_parties(
    connection: Connection, sender_id: int, recipient_msisdn: str
) -> tuple[Party, Party] | Refusal:
    found = users.find_parties(connection, user_ids=[sender_id], msisdns=[recipient_msisdn])
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


def _told_to_sender(refusal: Refusal, sender: Party, plan: Plan) -> Refusal:
    """Word the kernel's refusal for the sender: nothing about the recipient's wallet leaks."""
    if refusal.details.get("account_id") != sender.wallet_account_id:
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
