"""DEP 500 / WEKA 500: an M-Pesa prompt to the sender's own phone."""

from jobs.texts.catalogue import Template
from jobs.texts.fields import MONEY
from ledger.core.money import AmountProblem
from ledger.core.refusals import Refusal, RefusalCode
from ussd_app.keywords.engine import Answer, Call, Keyword, Reply
from ussd_app.keywords.reading import read_amount

USAGE = Template(
    name="sms_deposit_usage",
    fields={},
    en="To deposit, text DEP and the amount, such as DEP 500. Or dial {ussd_code}.",
    sw="Kuweka pesa, tuma WEKA na kiasi, kwa mfano WEKA 500. Au piga {ussd_code}.",
)
PROMPTED = Template(
    name="sms_deposit_prompted",
    fields={"amount": MONEY},
    en="An M-PESA request for {amount} will come to your phone in a moment."
    " Enter your M-PESA PIN there, never in an SMS.",
    sw="Ombi la M-PESA la {amount} litafika kwenye simu yako hivi punde."
    " Weka PIN ya M-PESA hapo, kamwe si kwenye SMS.",
)


def read(text: str) -> int | AmountProblem | None:
    """Return cents, or what is wrong with a number; None when there is no number."""
    amount = read_amount(text, whole_shillings=True)
    return None if amount is AmountProblem.NOT_A_NUMBER else amount


def refuse(problem: AmountProblem) -> Refusal:
    """Return the refusal that the ledger gives for such a number."""
    if problem is AmountProblem.NOT_WHOLE_SHILLINGS:
        return Refusal(RefusalCode.WHOLE_SHILLINGS_ONLY)
    return Refusal(RefusalCode.AMOUNT_INVALID)


def run(call: Call) -> Reply:
    """Promise the prompt; the same text promises it once."""
    if isinstance(call.argument, AmountProblem):
        return refuse(call.argument)
    done = call.perform("request_prompt", amount=call.argument)
    return done if isinstance(done, Refusal) else Answer(PROMPTED, {"amount": call.argument})


keyword = Keyword(("DEP", "DEPOSIT"), ("WEKA",), USAGE, run, read)
