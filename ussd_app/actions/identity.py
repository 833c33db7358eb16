"""Who is dialling: a customer, or somebody who joins."""

from jobs.queue import Task, ring
from ledger.commands.register import register
from ledger.core.context import Context
from ledger.core.payments import OPEN_STATES, PaymentState
from ledger.core.people import NewUser, User
from ledger.core.pins import pin_problem
from ledger.core.refusals import Refusal, RefusalCode
from ledger.queries import outcomes, users
from ussd_app import prepared
from ussd_app.actions.registry import Call, action
from ussd_app.flow.machine import Done

CONSENT_VERSION = "2026-11"
_LOBBY = Context(actor="system:ussd", channel="ussd")


@action
def identify(call: Call) -> Done | Refusal:
    """Find the customer behind the number, and what became of a session that broke off."""
    user = users.find(call.services.database, call.msisdn)
    if user is None:
        return Done(outcome="stranger")
    if user.status != "active":
        support = call.services.settings.support_number
        return Done({"language": user.language, "support": support}, "closed")
    known = {"language": user.language, "user_id": user.id, "first_name": user.first_name}
    if user.pin_must_change:
        return Done(known, "start_pin")
    found = _outcome(call, user)
    if found is not None:
        return Done({**known, **found.values}, found.outcome)
    if "dialled_on" not in call.values:
        order = prepared.waiting(call.services.redis, user.id)
        if order is not None:
            values = {"amount": order.amount, "number": order.msisdn, "prepared": order.reference}
            return Done({**known, **values}, f"prepared_{order.kind.value}")
    return Done(known, "customer")


def _outcome(call: Call, user: User) -> Done | None:
    """Return what became of money that a broken session had confirmed, if it had."""
    broken = call.values.get("broken")
    if not broken:
        return None
    session, position = broken
    found = outcomes.of_hop(
        call.services.database,
        Context.of_user(user.id, call.channel),
        call.channel,
        f"{session}:{position}",
    )
    if found is None:
        return None
    if found.state is None:
        values = {"receipt": found.receipt, "amount": found.amount, "name": found.name}
        return Done(values, "was_sent")
    if found.state in OPEN_STATES:
        return Done({"amount": found.amount}, "is_pending")
    done = found.state is PaymentState.COMPLETED
    return Done({"amount": found.amount}, "was_done" if done else "has_failed")


@action
def choose_pin(call: Call) -> Done | Refusal:
    """Judge a new PIN and keep its slow hash until it is typed again."""
    problem = pin_problem(call.digits(), call.msisdn)
    if problem is not None:
        return Refusal(RefusalCode.PIN_WEAK, {"problem": problem})
    return Done({"pin_hash": call.services.database.pin_hasher.hash(call.digits())}, "ok")


def is_repeated(call: Call) -> bool:
    """Tell whether the PIN typed now is the one chosen before."""
    return call.services.database.pin_hasher.matches(call.values["pin_hash"], call.digits())


@action
def join(call: Call) -> Done | Refusal:
    """Register the customer with the PIN typed twice."""
    if not is_repeated(call):
        return Done(outcome="differs")
    new = NewUser(
        msisdn=call.msisdn,
        first_name=call.values["first_name"],
        last_name=call.values["last_name"],
        language=call.language,
        consent_version=CONSENT_VERSION,
        channel=call.channel,
    )
    answer = register(call.services.database, _LOBBY, new, call.digits())
    if isinstance(answer, User):
        ring(call.services.redis, Task.SEND_SMS)
        return Done({"user_id": answer.id}, "ok")
    return answer
