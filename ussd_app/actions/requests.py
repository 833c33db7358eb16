"""Asking a member for money, and answering who asks."""

from jobs.queue import Task, ring
from ledger.commands import money_requests, transfers
from ledger.commands.money_requests import Asked
from ledger.core.refusals import Refusal, RefusalCode
from ussd_app.actions.registry import Call, action
from ussd_app.flow.machine import Done


@action
def ask_money(call: Call) -> Done | Refusal:
    """Ask whoever owns a number; nothing tells whether it is a member's."""
    refusal = money_requests.ask(
        call.services.database,
        call.context,
        call.user_id,
        call.values["number"],
        call.values["amount"],
        source=call.channel,
        reference=call.reference,
    )
    if refusal is not None:
        return refusal
    ring(call.services.redis, Task.SEND_SMS)
    return Done(outcome="ok")


@action
def load_request(call: Call) -> Done | Refusal:
    """Show the oldest open request, or the one after the one that was put off."""
    waiting = money_requests.open_requests(call.services.database, call.context, call.user_id)
    seen = call.values.get("request_id", 0) if call.values.get("skip") == "yes" else 0
    left = [request for request in waiting if request.id > seen]
    if not left:
        return Done(outcome="none")
    first = left[0]
    return Done(
        {
            "request_id": first.id,
            "amount": first.amount,
            "name": first.requester_name,
            "masked": first.requester_msisdn_masked,
            "skip": "no",
        }
    )


def _wanted(call: Call) -> Asked | Refusal:
    waiting = money_requests.open_requests(call.services.database, call.context, call.user_id)
    found = [request for request in waiting if request.id == call.values["request_id"]]
    return found[0] if found else Refusal(RefusalCode.REQUEST_CLOSED)


@action
def quote_request(call: Call) -> Done | Refusal:
    """Show what paying a request costs."""
    wanted = _wanted(call)
    if isinstance(wanted, Refusal):
        return wanted
    answer = transfers.quote(
        call.services.database,
        call.context,
        call.user_id,
        wanted.requester_msisdn,
        wanted.amount,
    )
    if isinstance(answer, Refusal):
        return answer
    return Done({"fee": answer.fee, "total": answer.total})


@action
def pay_request(call: Call) -> Done | Refusal:
    """Pay a request once the PIN is right."""
    refusal = call.refuse_pin()
    if refusal is not None:
        return refusal
    answer = money_requests.pay(
        call.services.database, call.context, call.user_id, call.values["request_id"]
    )
    if isinstance(answer, Refusal):
        return answer
    ring(call.services.redis, Task.SEND_SMS)
    balance = answer.balances[call.customer().wallet_account_id]
    return Done({"receipt": answer.receipt, "balance": balance}, "ok")


@action
def decline_request(call: Call) -> Done | Refusal:
    """Say no; whoever asked is told."""
    refusal = money_requests.decline(
        call.services.database, call.context, call.user_id, call.values["request_id"]
    )
    if refusal is not None:
        return refusal
    ring(call.services.redis, Task.SEND_SMS)
    return Done()
