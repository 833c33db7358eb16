"""RECEIPT [ref] / RISITI: an old receipt again, word for word."""

import re

from jobs.texts.catalogue import Template, render
from jobs.texts.fields import WHOLE_SMS
from ledger.core.plans import RECEIPT_ALPHABET, RECEIPT_LENGTH
from ledger.db import messaging, outbox
from ussd_app.keywords.engine import Answer, Call, Keyword, Reply

_REFERENCE = re.compile(rf"[{RECEIPT_ALPHABET}]{{{RECEIPT_LENGTH}}}")

USAGE = Template(
    name="sms_receipt_usage",
    fields={},
    en="For a receipt, text RECEIPT and its 10 characters, or RECEIPT alone for the last one.",
    sw="Kupata risiti, tuma RISITI na herufi zake 10, au RISITI pekee kwa ya mwisho.",
)
AGAIN = Template(name="sms_receipt", fields={"words": WHOLE_SMS}, en="{words}", sw="{words}")
UNKNOWN = Template(
    name="sms_receipt_unknown",
    fields={},
    en="We find no such receipt of yours. Text RECEIPT alone for the last one,"
    " or dial {ussd_code}.",
    sw="Hatujapata risiti yako kama hiyo. Tuma RISITI pekee kwa ya mwisho, au piga {ussd_code}.",
)


def read(text: str) -> str | None:
    """Return a reference in upper case, or an empty text for the latest receipt."""
    reference = text.replace(" ", "").upper().strip(".")
    return reference if not reference or _REFERENCE.fullmatch(reference) else None


def run(call: Call) -> Reply:
    """Find the receipt among the customer's own messages, also when it never arrived."""
    outbox.fill(call.services.database)
    with call.services.database.transaction(call.context) as connection:
        found = messaging.find_receipt(connection, call.user.id, call.argument or None)
    if found is None:
        return Answer(UNKNOWN)
    template, params = found
    return Answer(AGAIN, {"words": render(template, call.user.language, params, call.brand)})


keyword = Keyword(("RECEIPT", "RCPT"), ("RISITI",), USAGE, run, read)
