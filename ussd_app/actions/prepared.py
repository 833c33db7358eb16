"""Orders that came by SMS and wait for the PIN; their idempotency key is the text's."""

from dataclasses import replace

from ledger.core.refusals import Refusal, RefusalCode
from ussd_app import prepared
from ussd_app.actions import money
from ussd_app.actions.registry import Call, action
from ussd_app.flow.machine import Done

_SMS = "sms"


def _of_text(call: Call) -> Call:
    """Return the same call under the key of the text that prepared it."""
    return replace(call, channel=_SMS, reference=call.values["prepared"])


@action
def quote_prepared_transfer(call: Call) -> Done | Refusal:
    """Show whom the money would reach and what it costs, anew."""
    answer = money.quote_transfer(call)
    if isinstance(answer, Refusal):
        return answer
    if answer.outcome == "unknown":
        return Refusal(RefusalCode.RECIPIENT_UNKNOWN)
    return Done(answer.values)


@action
def quote_prepared_withdrawal(call: Call) -> Done | Refusal:
    """Show what the withdrawal costs, anew."""
    answer = money.quote_withdrawal(call)
    return answer if isinstance(answer, Refusal) else Done(answer.values)


@action
def quote_prepared_withdrawal_to(call: Call) -> Done | Refusal:
    """Show what the withdrawal to another number costs, anew."""
    answer = money.quote_withdrawal_to(call)
    return answer if isinstance(answer, Refusal) else Done(answer.values)


@action
def transfer_prepared(call: Call) -> Done | Refusal:
    """Send once the PIN is right; the order is then gone."""
    return _done(call, money.transfer(_of_text(call)))


@action
def withdraw_prepared(call: Call) -> Done | Refusal:
    """Withdraw once the PIN is right; the order is then gone."""
    return _done(call, money.request_withdrawal(_of_text(call)))


@action
def withdraw_prepared_to(call: Call) -> Done | Refusal:
    """Withdraw to another number once the PIN is right; the order is then gone."""
    return _done(call, money.request_withdrawal_to(_of_text(call)))


def _done(call: Call, answer: Done | Refusal) -> Done | Refusal:
    if isinstance(answer, Done):
        prepared.forget(call.services.redis, call.user_id)
    return answer


@action
def forget_prepared(call: Call) -> Done | Refusal:
    """Drop the order."""
    prepared.forget(call.services.redis, call.user_id)
    return Done()
