"""STOP: no SMS but answers; receipts stay readable."""

from jobs.texts.catalogue import Template
from ledger.commands import messaging
from ussd_app.keywords.engine import Answer, Call, Keyword, Reply, without_argument

USAGE = Template(name="sms_stop_usage", fields={}, en="STOP to get no SMS", sw="STOP kutopata SMS")
STOPPED = Template(
    name="sms_stopped",
    fields={},
    en="You will get no more SMS from Cycle. Receipts stay here: text RECEIPT or dial"
    " {ussd_code}. To get SMS again text START.",
    sw="Hutapata tena SMS za Cycle. Risiti ziko: tuma RISITI au piga {ussd_code}."
    " Kupata SMS tena tuma ANZA.",
)


def run(call: Call) -> Reply:
    """Opt out; this answer is the last SMS that was not asked for."""
    messaging.stop_sms(call.services.database, call.context, call.user.msisdn)
    return Answer(STOPPED)


keyword = Keyword(("STOP", "UNSUBSCRIBE"), ("ACHA", "SIMAMISHA"), USAGE, run, without_argument)
