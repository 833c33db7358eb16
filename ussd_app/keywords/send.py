"""SEND 200 0712345678 / TUMA: prepares a transfer, which waits in the menu for its PIN."""

from jobs.texts.catalogue import Template
from jobs.texts.fields import FEE, MASKED_MSISDN, MONEY, NAME
from ledger.core.refusals import Refusal, RefusalCode
from ussd_app.keywords.engine import Answer, Call, Keyword, Reply
from ussd_app.keywords.reading import read_send_order
from ussd_app.prepared import PreparedAction, PreparedKind, prepare

USAGE = Template(
    name="sms_send_usage",
    fields={},
    en="To send, text SEND, amount and number, such as SEND 200 0712345678. Or dial {ussd_code}.",
    sw="Kutuma, andika TUMA, kiasi na nambari, kwa mfano TUMA 200 0712345678. Au piga {ussd_code}.",
)
PREPARED = Template(
    name="sms_send_prepared",
    fields={"amount": MONEY, "name": NAME, "msisdn": MASKED_MSISDN, "fee": FEE},
    en="To send {amount} to {name} {msisdn} (cost {fee}), dial {ussd_code} within 10 minutes and"
    " enter your PIN there. Nothing is sent yet.",
    sw="Kutuma {amount} kwa {name} {msisdn} (ada {fee}), piga {ussd_code} ndani ya dakika 10"
    " uweke PIN. Bado haijatumwa.",
)


def run(call: Call) -> Reply:
    """Check the order as the menu would and keep it for ten minutes."""
    order = call.argument
    quote = call.perform("quote_transfer", number=order.msisdn, amount=order.amount)
    if isinstance(quote, Refusal):
        return quote
    if quote.outcome == "unknown":
        return Refusal(RefusalCode.RECIPIENT_UNKNOWN, {"number": order.msisdn})
    action = PreparedAction(PreparedKind.SEND, order.amount, order.msisdn, call.reference)
    prepare(call.services.redis, call.user.id, action)
    shown = quote.values
    return Answer(
        PREPARED,
        {
            "amount": order.amount,
            "name": shown["name"],
            "msisdn": shown["masked"],
            "fee": shown["fee"],
        },
    )


keyword = Keyword(("SEND", "TRANSFER"), ("TUMA",), USAGE, run, read_send_order)
