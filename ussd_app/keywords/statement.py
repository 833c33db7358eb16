"""STMT [month]: the statement of a month as PDF to the confirmed e-mail address."""

from datetime import UTC, date, datetime

from jobs.queue import Task, ring
from jobs.texts.catalogue import Template
from jobs.texts.fields import COUNT
from ledger.commands.statements import request_statement
from ledger.core.refusals import Refusal, RefusalCode
from ledger.core.rules import nairobi_day
from ledger.core.statements import Period
from ussd_app.keywords.engine import Answer, Call, Keyword, Reply
from ussd_app.keywords.reading import read_month

USAGE = Template(
    name="sms_statement_usage",
    fields={},
    en="For a statement by e-mail, text STMT for this month or STMT and a month, such as STMT OCT.",
    sw="Kupata taarifa kwa barua pepe, tuma STMT kwa mwezi huu au STMT na mwezi, kwa mfano"
    " STMT OKT.",
)
ON_ITS_WAY = Template(
    name="sms_statement",
    fields={},
    en="Your statement is being made. It goes to your confirmed e-mail address; an SMS follows.",
    sw="Taarifa yako inaandaliwa. Itatumwa kwa barua pepe uliyothibitisha; SMS itafuata.",
)
NO_ADDRESS = Template(
    name="sms_statement_no_address",
    fields={},
    en="We have no confirmed e-mail address of yours. Text EMAIL and your address first,"
    " such as EMAIL jina@mfano.co.ke",
    sw="Hatuna barua pepe yako iliyothibitishwa. Kwanza tuma EMAIL na anwani yako,"
    " kwa mfano EMAIL jina@mfano.co.ke",
)
ENOUGH_TODAY = Template(
    name="sms_statement_enough_today",
    fields={"maximum": COUNT},
    en="You have asked for {maximum} statements today. Please ask again tomorrow.",
    sw="Umeomba taarifa {maximum} leo. Tafadhali omba tena kesho.",
)


def read(text: str) -> date | None:
    """Return the first day of the month that is asked for."""
    return read_month(text, nairobi_day(datetime.now(UTC)))


def run(call: Call) -> Reply:
    """Queue the statement; the same text queues it once."""
    today = nairobi_day(datetime.now(UTC))
    month = Period.of_month(call.argument)
    period = Period(month.first_day, min(month.last_day, today))
    issued = request_statement(
        call.services.database,
        call.context,
        call.user.id,
        period,
        source="sms",
        reference=call.reference,
    )
    if isinstance(issued, Refusal):
        template = _REFUSED.get(issued.code)
        return issued if template is None else Answer(template, issued.details)
    ring(call.services.redis, Task.SEND_STATEMENTS)
    return Answer(ON_ITS_WAY)


_REFUSED = {
    RefusalCode.EMAIL_UNCONFIRMED: NO_ADDRESS,
    RefusalCode.STATEMENTS_TODAY: ENOUGH_TODAY,
}

keyword = Keyword(("STMT", "STATEMENT"), ("TAARIFAKAMILI",), USAGE, run, read)
