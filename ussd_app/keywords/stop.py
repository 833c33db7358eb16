"""STOP: no SMS but answers; receipts stay readable. Anybody's wish counts, wallet or not."""

from jobs.services import JobServices
from jobs.texts.catalogue import Template
from ledger.commands import messaging
from ledger.core.context import Context
from ussd_app.keywords.engine import Answer, Call, Keyword, Reply, without_digit

USAGE = Template(
    name="sms_stop_usage",
    fields={},
    en="To get no more SMS from Cycle, text STOP alone.",
    sw="Kutopata tena SMS za Cycle, tuma ACHA pekee.",
)
STOPPED = Template(
    name="sms_stopped",
    fields={},
    en="You will get no more SMS from Cycle. Receipts stay here: text RECEIPT or dial"
    " {ussd_code}. To get SMS again text START.",
    sw="Hutapata tena SMS za Cycle. Risiti ziko: tuma RISITI au piga {ussd_code}."
    " Kupata SMS tena tuma ANZA.",
)
STRANGER_STOPPED = Template(
    name="sms_stranger_stopped",
    fields={},
    en="You will get no more SMS from Cycle on this number. To get SMS again text START.",
    sw="Hutapata tena SMS za Cycle kwa nambari hii. Kupata SMS tena tuma ANZA.",
)


def run(call: Call) -> Reply:
    """Opt out; this answer is the last SMS that was not asked for."""
    messaging.stop_sms(call.services.database, call.context, call.user.msisdn)
    return Answer(STOPPED)


def run_for_stranger(services: JobServices, msisdn: str) -> Answer:
    """Opt out a number without a wallet: invitations and the like reach it no more."""
    messaging.stop_sms(services.database, Context.of_system("inbound-sms"), msisdn)
    return Answer(STRANGER_STOPPED)


keyword = Keyword(
    ("STOP", "UNSUBSCRIBE"), ("ACHA", "SIMAMISHA"), USAGE, run, without_digit, run_for_stranger
)
