"""Answers to texts that are no command, and to what the ledger refuses."""

from jobs.texts.catalogue import Brand, Template
from ledger.core.refusals import Refusal
from ussd_app.flow.model import Text, language_of
from ussd_app.flow.render import fill
from ussd_app.screens.fields import FIELDS
from ussd_app.screens.refusals import REFUSALS

_REFUSAL_HINT = Text(en=" Dial {code}.", sw=" Piga {code}.")


def refusal_text(refusal: Refusal, language: str, brand: Brand) -> str:
    """Return the menus' words for a refusal, and where to go on."""
    written = language_of(language)
    said = fill(REFUSALS[refusal.code].written(written), refusal.details, FIELDS)
    hint = _REFUSAL_HINT.written(written)
    return said + hint.replace("{code}", brand.ussd_code)


MENU = Template(
    name="sms_menu",
    fields={},
    en="Text BAL, DEP, SEND, WITHDRAW, MINI, STMT, RECEIPT or HELP. Or dial {ussd_code}.",
    sw="Tuma SALIO, WEKA, TUMA, TOA, TAARIFA, STMT, RISITI au MSAADA. Au piga {ussd_code}.",
)
HOW_TO_JOIN = Template(
    name="sms_how_to_join",
    fields={},
    en="This number has not joined Cycle yet. To join, dial {ussd_code}. It is free.",
    sw="Nambari hii haijajiunga na Cycle bado. Kujiunga, piga {ussd_code}. Ni bure.",
)
NEVER_TEXT_PIN = Template(
    name="sms_never_text_pin",
    fields={},
    en="Never send a PIN by SMS. We did not keep it and did nothing. If it was your PIN, change"
    " it: dial {ussd_code}. Text HELP for commands.",
    sw="Usitume PIN kwa SMS kamwe. Hatujaihifadhi wala kufanya lolote. Kama ni PIN yako,"
    " ibadilishe: piga {ussd_code}. Tuma MSAADA.",
)
TOO_MANY = Template(
    name="sms_too_many",
    fields={},
    en="You have sent many texts this hour. Please wait an hour or dial {ussd_code}.",
    sw="Umetuma SMS nyingi saa hii. Tafadhali subiri saa moja au piga {ussd_code}.",
)
