"""BAL / SALIO: the balance, for customers who have asked for that with their PIN."""

from jobs.texts.catalogue import Template
from jobs.texts.fields import MONEY
from ledger.core.refusals import Refusal
from ledger.queries import wallets
from ussd_app.keywords.engine import Answer, Call, Keyword, Reply, without_argument

USAGE = Template(
    name="sms_balance_usage", fields={}, en="BAL for your balance", sw="SALIO kuona salio"
)
BALANCE = Template(
    name="sms_balance",
    fields={"balance": MONEY},
    en="Your Cycle balance is {balance}. Dial {ussd_code} for more.",
    sw="Salio lako la Cycle ni {balance}. Piga {ussd_code} kwa zaidi.",
)
NOT_ENROLLED = Template(
    name="sms_balance_not_enrolled",
    fields={},
    en="Balance by SMS is off, because anyone holding your phone could read it."
    " To see it or turn SMS on, dial {ussd_code}.",
    sw="Salio kwa SMS limezimwa, kwani aliye na simu yako angeliona."
    " Kuliona au kuwasha SMS, piga {ussd_code}.",
)


def run(call: Call) -> Reply:
    """Answer with the balance, or say how to enrol."""
    if not call.user.sms_balance_enrolled:
        return Answer(NOT_ENROLLED)
    cents = wallets.balance(call.services.database, call.context, call.user.id)
    return cents if isinstance(cents, Refusal) else Answer(BALANCE, {"balance": cents})


keyword = Keyword(("BAL", "BALANCE"), ("SALIO",), USAGE, run, without_argument)
