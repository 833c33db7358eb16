"""WITHDRAW 300 / TOA 300: prepares a withdrawal, which waits in the menu for its PIN.

WITHDRAW 300 0712345678 names another number, where withdrawals to others are open.
"""

from jobs.texts.catalogue import Template
from jobs.texts.fields import FEE, MONEY, MSISDN
from ledger.core.money import AmountProblem
from ledger.core.refusals import Refusal
from ussd_app.keywords.deposit import read as read_amount
from ussd_app.keywords.deposit import refuse
from ussd_app.keywords.engine import Answer, Call, Keyword, Reply
from ussd_app.keywords.reading import SendOrder, read_send_order
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
PREPARED_TO = Template(
    name="sms_withdraw_to_prepared",
    fields={"amount": MONEY, "msisdn": MSISDN, "fee": FEE},
    en="To withdraw {amount} to M-PESA {msisdn} (cost {fee}), dial {ussd_code} within 10 minutes"
    " and enter your PIN there. Nothing is sent yet.",
    sw="Kutoa {amount} kwenda M-PESA {msisdn} (ada {fee}), piga {ussd_code} ndani ya dakika 10"
    " uweke PIN. Bado haijatumwa.",
)


def read(text: str) -> int | AmountProblem | SendOrder | None:
    """Return cents for the own number, an order for another one, or what is wrong."""
    amount = read_amount(text)
    return read_send_order(text) if amount is None else amount


def run(call: Call) -> Reply:
    """Check the order as the menu would and keep it for ten minutes."""
    if isinstance(call.argument, AmountProblem):
        return refuse(call.argument)
    if isinstance(call.argument, SendOrder):
        if call.argument.msisdn != call.user.msisdn:
            return _run_to(call, call.argument)
        return _run_own(call, call.argument.amount)
    return _run_own(call, call.argument)


def _run_to(call: Call, order: SendOrder) -> Reply:
    quote = call.perform("quote_withdrawal_to", number=order.msisdn, amount=order.amount)
    if isinstance(quote, Refusal):
        return quote
    action = PreparedAction(PreparedKind.WITHDRAW_TO, order.amount, order.msisdn, call.reference)
    prepare(call.services.redis, call.user.id, action)
    shown = {"amount": order.amount, "msisdn": order.msisdn, "fee": quote.values["fee"]}
    return Answer(PREPARED_TO, shown)


def _run_own(call: Call, amount: int) -> Reply:
    quote = call.perform("quote_withdrawal", amount=amount)
    if isinstance(quote, Refusal):
        return quote
    action = PreparedAction(PreparedKind.WITHDRAW, amount, None, call.reference)
    prepare(call.services.redis, call.user.id, action)
    return Answer(PREPARED, {"amount": amount, "fee": quote.values["fee"]})


keyword = Keyword(("WITHDRAW", "WD"), ("TOA",), USAGE, run, read)
