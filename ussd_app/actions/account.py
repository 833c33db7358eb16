"""What customers change about themselves: PIN, language, the wallet's end."""

from datetime import UTC, datetime

from jobs.queue import Task, ring
from ledger.commands import pin_resets, pins, profiles
from ledger.core.refusals import Refusal
from ussd_app.actions.identity import is_repeated
from ussd_app.actions.registry import Call, action
from ussd_app.flow.machine import Done


@action
def check_old_pin(call: Call) -> Done | Refusal:
    """Check the present PIN before a new one may be chosen."""
    refusal = call.refuse_pin()
    return refusal or Done({"pin_proved_at": datetime.now(UTC).isoformat()}, "ok")


@action
def check_start_pin(call: Call) -> Done | Refusal:
    """Check a start PIN that is not too old, before the own one is chosen."""
    refusal = pin_resets.refuse_expired_start_pin(
        call.services.database, call.context, call.user_id
    )
    return refusal or check_old_pin(call)


@action
def change_pin(call: Call) -> Done | Refusal:
    """Store the new PIN, typed twice after the old one was proved in the same call."""
    if "pin_proved_at" not in call.values or not is_repeated(call):
        return Done(outcome="differs")
    answer = pins.choose_pin(call.services.database, call.context, call.user_id, call.digits())
    if isinstance(answer, Refusal):
        return answer
    ring(call.services.redis, Task.SEND_SMS)
    return Done(outcome="ok")


@action
def reset_pin(call: Call) -> Done | Refusal:
    """Send a start PIN to whoever answers the questions about themselves."""
    answer = pin_resets.reset_pin(
        call.services.database,
        call.context,
        call.user_id,
        call.pepper,
        last_name=call.values["last_name"],
        last_amount=call.values["last_amount"],
    )
    if isinstance(answer, Refusal):
        return answer
    ring(call.services.redis, Task.SEND_SMS)
    return Done(outcome="ok")


@action
def set_language(call: Call) -> Done | Refusal:
    """Keep the language that was chosen."""
    profiles.set_language(call.services.database, call.context, call.user_id, call.language)
    return Done(outcome="ok")


@action
def close_wallet(call: Call) -> Done | Refusal:
    """Close an empty wallet for good once the PIN is right."""
    refusal = call.refuse_pin()
    if refusal is not None:
        return refusal
    refusal = profiles.close_wallet(
        call.services.database, call.context, call.user_id, "asked by its owner"
    )
    return refusal or Done(outcome="ok")
