"""The code that shows that an address is the customer's own."""

from jobs.letters.letter import Letter
from jobs.services import JobServices
from jobs.texts.catalogue import UnrenderableError
from ledger.db.outbox_sending import Due
from ledger.one_time_codes import code_of

template = "email_code"

_SUBJECT = {"en": "Confirm your e-mail address", "sw": "Thibitisha barua pepe yako"}
_WORDS = {
    "en": (
        "Hello {name}, someone with your Cycle number asked for receipts at this address.",
        "To confirm, text EMAIL {code} to {sms_code} today.",
        "If it was not you, ignore this message.",
    ),
    "sw": (
        "Habari {name}, mtu mwenye nambari yako ya Cycle ameomba risiti kwa anwani hii.",
        "Kuthibitisha, tuma EMAIL {code} kwa {sms_code} leo.",
        "Kama si wewe, puuza ujumbe huu.",
    ),
}


def compose(services: JobServices, due: Due) -> Letter:
    """Return the letter; the code exists from here on only."""
    language = "sw" if due.language == "sw" else "en"
    pepper = services.settings.pin_pepper.get_secret_value()
    try:
        code = code_of(pepper, bytes.fromhex(due.params["nonce"]))
        name = str(due.params["name"])
    except (KeyError, ValueError, TypeError):
        raise UnrenderableError("the code or the name is missing") from None
    values = {"name": name, "code": code, "sms_code": services.settings.sms_code}
    return Letter(
        language=language,
        subject=_SUBJECT[language],
        heading=_SUBJECT[language],
        figure=code,
        paragraphs=tuple(words.format(**values) for words in _WORDS[language]),
    )
