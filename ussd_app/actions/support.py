"""Help: the support number, and complaints."""

from jobs.queue import Task, ring
from ledger.commands import tickets
from ledger.core.refusals import Refusal
from ledger.queries import wallets
from ussd_app.actions.registry import Call, action
from ussd_app.flow.machine import Done

_ABOUT_LAST = "last"


@action
def load_help(call: Call) -> Done | Refusal:
    """Name the numbers to call and to text."""
    settings = call.services.settings
    return Done({"support": settings.support_number, "shortcode": settings.sms_code})


@action
def open_ticket(call: Call) -> Done | Refusal:
    """Note a complaint; ``about`` is a receipt, ``last`` or nothing."""
    answer = tickets.open_ticket(
        call.services.database,
        call.context,
        call.user_id,
        call.values["reason"],
        receipt=_receipt(call),
        source=call.channel,
        reference=call.reference,
    )
    if isinstance(answer, Refusal):
        return answer
    ring(call.services.redis, Task.SEND_SMS)
    return Done({"ticket": answer.number}, "ok")


def _receipt(call: Call) -> str | None:
    about: str = call.values.get("about", "")
    if about != _ABOUT_LAST:
        return about or None
    newest = wallets.recent_movements(call.services.database, call.context, call.user_id, limit=1)
    return newest[0].receipt if newest else None
