"""Mail the organisation's day at 06:30 in Nairobi, and its month on the first.

The table says which days are on record, so days when nothing ran are caught up. A mail that
may have gone out is never sent again by itself: the next one says so.
"""

from datetime import timedelta

import structlog

from jobs.clients.africastalking import Outcome
from jobs.clients.mail import Mail, MailClient
from jobs.organisation_pack import Pack, make_pack
from jobs.services import JobServices
from jobs.settings import JobSettings
from jobs.statement.report_mail import report_subject, report_texts
from ledger.commands import organisation_mail
from ledger.core.organisation import MailKind
from ledger.core.statements import Period
from ledger.db.engine import Database
from ledger.db.organisation import MailRow
from ledger.queries.organisation import staff_addresses

ATTEMPTS_MAX = 24
_WAIT = timedelta(minutes=10)
_WAIT_MAX = timedelta(hours=2)
_log = structlog.get_logger(__name__)


def run(services: JobServices) -> None:
    """Send what is due; stop at the first that the mail server does not take."""
    organisation_mail.plan(services.database)
    while True:
        mail = organisation_mail.claim(services.database)
        if mail is None or not _send(services, mail):
            return


def compose(pack: Pack, recipients: tuple[str, ...], key: str) -> Mail:
    """Return the mail that carries a pack."""
    text, html = report_texts(pack.report, pack.notes)
    return Mail(key, recipients, report_subject(pack.report), text, html, pack.files)


def key_of(kind: MailKind, period: Period) -> str:
    """Return what names a mail, so that programs recognise it when it comes twice."""
    return f"organisation:{kind}:{period.first_day}"


def recipients_of(settings: JobSettings, database: Database) -> tuple[str, ...]:
    """Return ADMIN_EMAILS and the addresses of active staff, each once."""
    addresses = [*settings.admin_emails, *staff_addresses(database)]
    return tuple(dict.fromkeys(address.lower() for address in addresses))


def _send(services: JobServices, mail: MailRow) -> bool:
    """Send one mail; False when the rest should wait."""
    database = services.database
    if mail.attempts > ATTEMPTS_MAX:
        organisation_mail.settle(database, mail, "failed", "every try was interrupted")
        return True
    recipients = recipients_of(services.settings, database)
    if not recipients:
        _wait(services, mail, "nobody is in ADMIN_EMAILS or among the staff")
        return False
    pack = make_pack(database, mail.kind, mail.period, services.settings.public_url)
    key = key_of(mail.kind, mail.period)
    message = compose(pack, recipients, key)
    if not organisation_mail.begin_sending(database, mail, key):
        return True
    answer = MailClient.from_settings(services.settings).send(message)
    if answer.outcome is Outcome.ACCEPTED:
        organisation_mail.settle(database, mail, "sent")
        return True
    if answer.outcome is Outcome.UNKNOWN:
        organisation_mail.settle(database, mail, "unknown", answer.reason)
        return False
    _wait(services, mail, answer.reason)
    return False


def _wait(services: JobServices, mail: MailRow, reason: str) -> None:
    given_up = mail.attempts >= ATTEMPTS_MAX
    wait = min(_WAIT * mail.attempts, _WAIT_MAX)
    state = "failed" if given_up else "queued"
    organisation_mail.settle(services.database, mail, state, reason, wait)
    _log.error("organisation_mail_not_sent", mail_id=mail.id, reason=reason, parked=given_up)
