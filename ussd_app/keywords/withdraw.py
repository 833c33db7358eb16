"""WITHDRAW 300 / TOA 300: prepares a withdrawal, which waits in the menu for its PIN."""

from jobs.texts.catalogue import Template
from jobs.texts.fields import FEE, MONEY
from ledger.core.money import AmountProblem
from ledger.core.refusals import Refusal
from ussd_app.keywords.deposit import read, refuse
from ussd_app.keywords.engine import Answer, Call, Keyword, Reply
from ussd_app.prepared import PreparedAction, PreparedKind, prepare

USAGE = Template(
    name="sms_withdraw_usage",
    fields={},
    en="To withdraw, text WITHDRAW and the amount, such as WITHDRAW 300. Or dial {ussd_code}.",
    sw="Kutoa pesa, tuma TOA na kiasi, kwa mfano TOA 300. Au piga {ussd_code}.",
)
PREPARED = Template(
    name="sms_withdraw_prepared",
    fields={"amount": MONEY, "fee": FEE},
    en="To withdraw {amount} to your M-PESA (cost {fee}), dial {ussd_code} within 10 minutes and"
    " enter your PIN there. Nothing is sent yet.",
    sw="Kutoa {amount} kwenda M-PESA yako (ada {fee}), piga {ussd_code} ndani ya dakika 10"
    " uweke PIN. Bado haijatumwa.",
)


def run(call: Call) -> Reply:
    """Check the order as the menu would and keep it for ten minutes."""
    if isinstance(call.argument, AmountProblem):
        return refuse(call.argument)
    quote = call.perform("quote_withdrawal", amount=call.argument)
    if isinstance(quote, Refusal):
        return quote
    action = PreparedAction(PreparedKind.WITHDRAW, call.argument, None, call.reference)
    prepare(call.services.redis, call.user.id, action)
    return Answer(PREPARED, {"amount": call.argument, "fee": quote.values["fee"]})


keyword = Keyword(("WITHDRAW", "WD"), ("TOA",), USAGE, run, read)
