"""START / ANZA: SMS again after STOP."""

from jobs.services import JobServices
from jobs.texts.catalogue import Template
from ledger.commands import messaging
from ledger.core.context import Context
from ussd_app.keywords.engine import Answer, Call, Keyword, Reply, without_digit

USAGE = Template(
    name="sms_start_usage",
    fields={},
    en="To get SMS from Cycle again, text START alone.",
    sw="Kupata tena SMS za Cycle, tuma ANZA pekee.",
)
STARTED = Template(
    name="sms_started",
    fields={},
    en="You will get receipts and notices from Cycle by SMS again.",
    sw="Utapata tena risiti na taarifa za Cycle kwa SMS.",
)
STRANGER_STARTED = Template(
    name="sms_stranger_started",
    fields={},
    en="You can get SMS from Cycle on this number again. To join Cycle, dial {ussd_code}.",
    sw="Unaweza kupata tena SMS za Cycle kwa nambari hii. Kujiunga na Cycle, piga {ussd_code}.",
)


def run(call: Call) -> Reply:
    """Opt in."""
    messaging.start_sms(call.services.database, call.context, call.user.msisdn)
    return Answer(STARTED)


def run_for_stranger(services: JobServices, msisdn: str) -> Answer:
    """Opt in a number without a wallet."""
    messaging.start_sms(services.database, Context.of_system("inbound-sms"), msisdn)
    return Answer(STRANGER_STARTED)


keyword = Keyword(("START",), ("ANZA",), USAGE, run, without_digit, run_for_stranger)
