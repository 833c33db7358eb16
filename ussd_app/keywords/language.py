"""LANG SW / LUGHA EN: the language of every later message and menu."""

from jobs.texts.catalogue import Template
from ussd_app.keywords.engine import Answer, Call, Keyword, Reply

_LANGUAGES = {
    "EN": "en",
    "ENG": "en",
    "ENGLISH": "en",
    "KIINGEREZA": "en",
    "SW": "sw",
    "SWA": "sw",
    "SWAHILI": "sw",
    "KISWAHILI": "sw",
}

USAGE = Template(
    name="sms_language_usage",
    fields={},
    en="Text LANG EN for English or LANG SW for Kiswahili.",
    sw="Tuma LUGHA SW kwa Kiswahili au LUGHA EN kwa Kiingereza.",
)
CHANGED = Template(
    name="sms_language_changed",
    fields={},
    en="From now on Cycle writes to you in English.",
    sw="Kuanzia sasa Cycle itakuandikia kwa Kiswahili.",
)


def read(text: str) -> str | None:
    """Return ``en`` or ``sw``."""
    return _LANGUAGES.get(text.upper().strip("."))


def run(call: Call) -> Reply:
    """Change the language and answer in the new one."""
    call.perform("set_language", language=call.argument)
    return Answer(CHANGED, language=call.argument)


keyword = Keyword(("LANG", "LANGUAGE"), ("LUGHA",), USAGE, run, read)
