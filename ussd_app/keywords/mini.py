"""MINI / TAARIFA: the latest movements, as many as one SMS holds."""

from jobs.texts.catalogue import Template
from jobs.texts.fields import NAIROBI, WHOLE_SMS
from ledger.core.gsm7 import fits
from ledger.core.money import grouped_text
from ledger.db.movements import Movement
from ledger.queries import wallets
from ussd_app.keywords.engine import Answer, Call, Keyword, Reply, without_argument

_ENTRIES_MAX = 5

USAGE = Template(
    name="sms_mini_usage",
    fields={},
    en="MINI for your last movements",
    sw="TAARIFA kuona miamala ya mwisho",
)
MOVEMENTS = Template(name="sms_mini", fields={"lines": WHOLE_SMS}, en="{lines}", sw="{lines}")
NONE_YET = Template(
    name="sms_mini_none",
    fields={},
    en="There is no movement on your Cycle wallet yet. To deposit, dial {ussd_code}.",
    sw="Bado hakuna muamala kwenye akaunti yako ya Cycle. Kuweka pesa, piga {ussd_code}.",
)


def run(call: Call) -> Reply:
    """List date, signed amount and reference, newest first; balances need a PIN."""
    found = wallets.recent_movements(
        call.services.database, call.context, call.user.id, limit=_ENTRIES_MAX
    )
    if not found:
        return Answer(NONE_YET)
    lines = "Cycle"
    for movement in found:
        longer = f"{lines}\n{_line(movement)}"
        if not fits(longer):
            break
        lines = longer
    return Answer(MOVEMENTS, {"lines": lines})


def _line(movement: Movement) -> str:
    day = movement.posted_at.astimezone(NAIROBI)
    sign = "+" if movement.is_money_in else "-"
    return f"{day.day}/{day.month} {sign}{grouped_text(movement.amount)} {movement.receipt}"


keyword = Keyword(("MINI",), ("TAARIFA",), USAGE, run, without_argument)
