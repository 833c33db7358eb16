"""Deposits, transfers and withdrawals."""

from jobs.queue import Task, ring
from ledger.commands import invitations, name_lookups, transfers, withdrawals
from ledger.commands.deposits import request_deposit
from ledger.core.refusals import Refusal, RefusalCode
from ussd_app.actions.registry import Call, action
from ussd_app.flow.machine import Done

STK_DELAY_SECONDS = 3.0
"""A handset can't show M-Pesa's prompt while its USSD session is open (facts 1.9)."""


@action
def request_prompt(call: Call) -> Done | Refusal:
    """Promise an M-Pesa prompt; a worker sends it after the session."""
    answer = request_deposit(
        call.services.database,
        call.context,
        call.user_id,
        call.values["amount"],
        source=call.channel,
        reference=call.reference,
    )
    if isinstance(answer, Refusal):
        return answer
    ring(call.services.redis, Task.SUBMIT_PAYMENTS, delay_seconds=STK_DELAY_SECONDS)
    return Done(outcome="ok")


@action
def quote_transfer(call: Call) -> Done | Refusal:
    """Show whom the money would reach and what it costs."""
    refusal = name_lookups.note_lookup(
        call.services.database, call.context, call.user_id, call.values["number"]
    )
    if refusal is not None:
        return refusal
    answer = transfers.quote(
        call.services.database,
        call.context,
        call.user_id,
        call.values["number"],
        call.values["amount"],
    )
    if isinstance(answer, Refusal):
        return Done(outcome="unknown") if answer.code is RefusalCode.RECIPIENT_UNKNOWN else answer
    return Done(
        {
            "name": answer.recipient_name,
            "masked": answer.recipient_msisdn_masked,
            "fee": answer.fee,
            "total": answer.total,
        },
        "ok",
    )


@action
def transfer(call: Call) -> Done | Refusal:
    """Move money to a member once the PIN is right."""
    refusal = call.refuse_pin()
    if refusal is not None:
        return refusal
    database, number = call.services.database, call.values["number"]
    answer = transfers.transfer(
        database,
        call.context,
        call.user_id,
        number,
        call.values["amount"],
        source=call.channel,
        reference=call.reference,
    )
    if isinstance(answer, Refusal):
        return answer
    ring(call.services.redis, Task.SEND_SMS)
    name_lookups.note_payment(database, call.context, call.user_id, number)
    balance = answer.balances[call.customer().wallet_account_id]
    return Done({"receipt": answer.receipt, "balance": balance}, "ok")


@action
def invite(call: Call) -> Done | Refusal:
    """Ask somebody to join, by SMS."""
    invitations.invite(call.services.database, call.context, call.user_id, call.values["number"])
    ring(call.services.redis, Task.SEND_SMS)
    return Done()


@action
def choose_payout(call: Call) -> Done | Refusal:
    """Ask where a withdrawal goes, where it may go to another number."""
    pays_others = withdrawals.pays_others(call.services.database)
    return Done() if pays_others else Done(outcome="own_only")


@action
def quote_withdrawal(call: Call) -> Done | Refusal:
    """Show what a withdrawal to the own M-Pesa costs."""
    return _quote_payout(call, None)


@action
def quote_withdrawal_to(call: Call) -> Done | Refusal:
    """Show what a withdrawal to another number's M-Pesa costs."""
    return _quote_payout(call, call.values["number"])


def _quote_payout(call: Call, to: str | None) -> Done | Refusal:
    answer = withdrawals.quote(
        call.services.database, call.context, call.user_id, call.values["amount"], to=to
    )
    if isinstance(answer, Refusal):
        return answer
    return Done({"fee": answer.fee, "total": answer.total}, "ok")


@action
def request_withdrawal(call: Call) -> Done | Refusal:
    """Hold the money and promise a payout once the PIN is right."""
    return _request_payout(call, None)


@action
def request_withdrawal_to(call: Call) -> Done | Refusal:
    """Hold the money and promise a payout to another number once the PIN is right."""
    return _request_payout(call, call.values["number"])


def _request_payout(call: Call, to: str | None) -> Done | Refusal:
    refusal = call.refuse_pin()
    if refusal is not None:
        return refusal
    answer = withdrawals.request_withdrawal(
        call.services.database,
        call.context,
        call.user_id,
        call.values["amount"],
        source=call.channel,
        reference=call.reference,
        to=to,
    )
    if isinstance(answer, Refusal):
        return answer
    ring(call.services.redis, Task.SUBMIT_PAYMENTS)
    ring(call.services.redis, Task.SEND_SMS)
    return Done(outcome="ok")
