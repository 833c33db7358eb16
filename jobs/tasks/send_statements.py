"""Mail the statements that customers asked for. Drawn on disk, so memory stays small.

What surely did not go out is tried again; what may have gone out is not: the customer is told
to look, and to ask again.
"""

import tempfile
from datetime import timedelta
from typing import IO

import structlog

from jobs.clients.africastalking import Outcome
from jobs.clients.mail import Attachment, Mail, MailClient, mask_address
from jobs.services import JobServices
from jobs.statement.mail_texts import statement_mail
from jobs.statements import MadeFile, draw, verify_url
from ledger.commands import statements
from ledger.core.context import Context
from ledger.core.statements import IssuedStatement, StatementMismatchError

ATTEMPTS_MAX = 8
ATTACHMENT_BYTES_MAX = 18 * 1024 * 1024
"""What mail servers take, usually 25 MB, is counted after base64."""
_BACKOFF = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=4),
)
_SPOOL_BYTES = 4 * 1024 * 1024
_CONTEXT = Context.of_system("statements")
_log = structlog.get_logger(__name__)


def run(services: JobServices) -> None:
    """Mail until nothing is due; one failing server does not hold up a worker for long."""
    client = MailClient.from_settings(services.settings)
    while True:
        claimed = statements.claim_mail(services.database, _CONTEXT)
        if claimed is None:
            return
        issued, perhaps_out = claimed
        if perhaps_out:
            _settle(services, issued, Outcome.UNKNOWN, "a worker was lost while sending")
        elif not _send(services, client, issued):
            return


def _send(services: JobServices, client: MailClient, issued: IssuedStatement) -> bool:
    """Mail one statement; False when the server should be left alone for this turn."""
    if issued.attempts > ATTEMPTS_MAX:
        _settle(services, issued, Outcome.REFUSED, "every try was interrupted")
        return True
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as out:
        try:
            made = draw(services.database, _CONTEXT, issued, services.settings.public_url, out)
        except StatementMismatchError:
            _log.exception("statement_mismatch", statement_id=issued.id)
            _settle(services, issued, Outcome.REFUSED, "sums disagree")
            return True
        size = out.tell()
        if size > ATTACHMENT_BYTES_MAX:
            _settle(services, issued, Outcome.REFUSED, f"{size} bytes are too large for mail")
            return True
        out.seek(0)
        mail = _mail(services, made, out)
    answer = client.send(mail)
    _settle(services, issued, answer.outcome, answer.reason)
    return answer.outcome is not Outcome.NOT_SENT


def _mail(services: JobServices, made: MadeFile, out: IO[bytes]) -> Mail:
    issued = made.issued
    assert issued.recipient is not None
    url = verify_url(services.settings.public_url, issued.reference)
    subject, text, html = statement_mail(made.summary, issued.reference, url)
    return Mail(
        key=f"statement:{issued.reference}",
        recipients=(issued.recipient,),
        subject=subject,
        text=text,
        html=html,
        attachments=(Attachment(made.filename, made.media_type, out.read()),),
    )


def _settle(services: JobServices, issued: IssuedStatement, outcome: Outcome, reason: str) -> None:
    assert issued.recipient is not None
    masked = mask_address(issued.recipient)
    if outcome is Outcome.ACCEPTED:
        statements.mail_accepted(services.database, _CONTEXT, issued, masked)
        return
    if outcome is Outcome.UNKNOWN:
        statements.mail_unknown(services.database, _CONTEXT, issued, masked, reason)
        _log.warning("statement_perhaps_mailed", statement_id=issued.id)
        return
    wait = None
    if outcome is not Outcome.REFUSED and issued.attempts < ATTEMPTS_MAX:
        wait = _BACKOFF[min(issued.attempts, len(_BACKOFF)) - 1]
    statements.mail_failed(services.database, _CONTEXT, issued, masked, reason, wait)
    _log.warning(
        "statement_not_mailed",
        statement_id=issued.id,
        outcome=outcome.value,
        attempts=issued.attempts,
        parked=wait is None,
    )
