"""START / ANZA: SMS again after STOP."""

from jobs.texts.catalogue import Template
from ledger.commands import messaging
from ussd_app.keywords.engine import Answer, Call, Keyword, Reply, without_argument

USAGE = Template(name="sms_start_usage", fields={}, en="START to get SMS", sw="ANZA kupata SMS")
STARTED = Template(
    name="sms_started",
    fields={},
    en="You will get receipts and notices from Cycle by SMS again.",
    sw="Utapata tena risiti na taarifa za Cycle kwa SMS.",
)


def run(call: Call) -> Reply:
    """Opt in."""
    messaging.start_sms(call.services.database, call.context, call.user.msisdn)
    return Answer(STARTED)


keyword = Keyword(("START",), ("ANZA",), USAGE, run, without_argument)
