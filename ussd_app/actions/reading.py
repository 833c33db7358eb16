"""What a customer reads: balance, movements, statements, the last receipt, limits."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from jobs.queue import Task, ring
from ledger.commands import receipts, statements
from ledger.core.refusals import Refusal, RefusalCode
from ledger.core.rules import nairobi_day
from ledger.core.statements import Period
from ledger.db.movements import Movement
from ledger.queries import wallets
from ussd_app.actions.registry import Call, action
from ussd_app.flow.machine import Done


@action
def show_balance(call: Call) -> Done | Refusal:
    """Read the balance once the PIN is right."""
    refusal = call.refuse_pin()
    if refusal is not None:
        return refusal
    cents = wallets.balance(call.services.database, call.context, call.user_id)
    return cents if isinstance(cents, Refusal) else Done({"balance": cents}, "ok")


@action
def load_recent(call: Call) -> Done | Refusal:
    """Read the last five movements once the PIN is right."""
    refusal = call.refuse_pin()
    if refusal is not None:
        return refusal
    found = wallets.recent_movements(call.services.database, call.context, call.user_id)
    return Done({"items": [_line(movement) for movement in found]}, "ok")


def _line(movement: Movement) -> dict[str, Any]:
    other = movement.counterparty
    return {
        "day": movement.posted_at.isoformat(),
        "sign": "+" if movement.is_money_in else "-",
        "amount": movement.amount,
        "name": other["name"] if other else "M-PESA",
    }


@action
def request_statement(call: Call) -> Done | Refusal:
    """Mail a full statement to the confirmed address once the PIN is right."""
    refusal = call.refuse_pin()
    if refusal is not None:
        return refusal
    answer = statements.request_statement(
        call.services.database,
        call.context,
        call.user_id,
        _period(call.values["period"], nairobi_day(datetime.now(UTC))),
        source=call.channel,
        reference=call.reference,
    )
    if isinstance(answer, Refusal):
        unconfirmed = answer.code is RefusalCode.EMAIL_UNCONFIRMED
        return Done(outcome="no_email") if unconfirmed else answer
    ring(call.services.redis, Task.SEND_STATEMENTS)
    return Done(outcome="ok")


def _period(word: str, today: date) -> Period:
    """Return this month so far, the month before, or the last three months."""
    this_month = today.replace(day=1)
    if word == "last_month":
        return Period.of_month(this_month - timedelta(days=1))
    if word == "three_months":
        second = (this_month - timedelta(days=1)).replace(day=1)
        return Period((second - timedelta(days=1)).replace(day=1), today)
    return Period(this_month, today)


@action
def resend_receipt(call: Call) -> Done | Refusal:
    """Send the last receipt again by SMS, word for word, unless SMS are stopped."""
    if call.customer().sms_opted_out_at is not None:
        return Done({"shortcode": call.services.settings.sms_code}, "stopped")
    found = receipts.resend_last(call.services.database, call.context, call.user_id)
    if not found:
        return Done(outcome="none")
    ring(call.services.redis, Task.SEND_SMS)
    return Done()


@action
def load_limits(call: Call) -> Done | Refusal:
    """Read what today's limits leave."""
    left = wallets.remaining_today(call.services.database, call.context, call.user_id)
    if isinstance(left, Refusal):
        return left
    return Done(
        {
            "transfer_left": left.transfer,
            "withdrawal_left": left.withdrawal,
            "maximum": left.transfer_maximum,
        }
    )
