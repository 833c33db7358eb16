"""HELP / MSAADA: what can be texted."""

from jobs.texts.catalogue import Template
from ussd_app.keywords.engine import Answer, Call, Keyword, Reply, without_argument

USAGE = Template(name="sms_help_usage", fields={}, en="HELP for help", sw="MSAADA kwa usaidizi")
COMMANDS = Template(
    name="sms_help",
    fields={},
    en="Text BAL, DEP 500, SEND 200 0712345678, WITHDRAW 300, MINI, STMT, RECEIPT, EMAIL, LANG SW"
    " or STOP. Or dial {ussd_code}. Never text your PIN.",
    sw="Tuma SALIO, WEKA 500, TUMA 200 0712345678, TOA 300, TAARIFA, STMT, RISITI, EMAIL,"
    " LUGHA EN au ACHA. Au piga {ussd_code}. Usitume PIN.",
)


def run(call: Call) -> Reply:
    """Name every command."""
    return Answer(COMMANDS)


keyword = Keyword(("HELP", "INFO"), ("MSAADA", "USAIDIZI"), USAGE, run, without_argument)
