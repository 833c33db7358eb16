"""EMAIL me@x.co.ke: notes an address; EMAIL and the code from it confirms it."""

import re

from jobs.queue import Task, ring
from jobs.texts.catalogue import Template
from jobs.texts.fields import EMAIL
from ledger.commands import messaging
from ledger.core.refusals import Refusal
from ussd_app.keywords.engine import Answer, Call, Keyword, Reply
from ussd_app.keywords.reading import read_email

_CODE = re.compile(r"[0-9]{6}", re.ASCII)

USAGE = Template(
    name="sms_email_usage",
    fields={},
    en="For receipts by e-mail, text EMAIL and your address, such as EMAIL jina@mfano.co.ke",
    sw="Kupata risiti kwa barua pepe, tuma EMAIL na anwani yako, kwa mfano EMAIL jina@mfano.co.ke",
)
CODE_SENT = Template(
    name="sms_email_code_sent",
    fields={"address": EMAIL},
    en="We sent a code to {address}. To confirm, text EMAIL and the code.",
    sw="Tumetuma nambari kwa {address}. Kuthibitisha, tuma EMAIL na nambari hiyo.",
)
CONFIRMED = Template(
    name="sms_email_confirmed",
    fields={},
    en="Your e-mail address is confirmed. Receipts go there too from now on.",
    sw="Barua pepe yako imethibitishwa. Risiti zitatumwa huko pia.",
)
WRONG_CODE = Template(
    name="sms_email_wrong_code",
    fields={},
    en="That code is not right or too old. For a new one text EMAIL and your address.",
    sw="Nambari hiyo si sahihi au imepitwa na wakati. Kupata mpya tuma EMAIL na anwani yako.",
)


def read(text: str) -> str | None:
    """Return an address or a six-digit code."""
    code = text.replace(" ", "")
    return code if _CODE.fullmatch(code) else read_email(text)


def run(call: Call) -> Reply:
    """Send a code to a new address, or take the code."""
    database = call.services.database
    if _CODE.fullmatch(call.argument):
        pepper = call.services.settings.pin_pepper.get_secret_value()
        right = messaging.confirm_email(database, call.context, pepper, call.user.id, call.argument)
        return Answer(CONFIRMED if right else WRONG_CODE)
    refusal = messaging.ask_email(database, call.context, call.user.id, call.argument)
    if isinstance(refusal, Refusal):
        return refusal
    ring(call.services.redis, Task.SEND_EMAIL)
    return Answer(CODE_SENT, {"address": call.argument})


keyword = Keyword(("EMAIL", "MAIL"), ("BARUAPEPE",), USAGE, run, read)
