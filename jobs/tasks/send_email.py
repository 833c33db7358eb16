"""Send the e-mails that are due, one at a time."""

from collections.abc import Iterator

import structlog

from jobs.clients.africastalking import Outcome
from jobs.clients.mail import MailClient
from jobs.delivery import Result, pause_reason
from jobs.letters.post import mail_of
from jobs.outbox_drain import drain
from jobs.queue import Task, ring
from jobs.services import JobServices
from jobs.texts.catalogue import UnrenderableError
from ledger.db.outbox_sending import Due

_log = structlog.get_logger(__name__)


def run(services: JobServices) -> None:
    """Send until nothing is due, or until the server must be left alone for a while."""
    sender = EmailSender(services, MailClient.from_settings(services.settings))
    drained = drain(services.database, "email", sender.deliver)
    if drained.more:
        ring(services.redis, Task.SEND_EMAIL)


class EmailSender:
    """Writes and sends a batch of e-mails."""

    def __init__(self, services: JobServices, client: MailClient) -> None:
        self._services = services
        self._client = client

    def deliver(self, batch: list[Due]) -> Iterator[tuple[Due, Result | None]]:
        """Yield each message with its result; after a failure of the server none is tried."""
        stopped = False
        for due in batch:
            result = None if stopped else self._send(due)
            stopped = stopped or (result is not None and pause_reason(result.outcome) is not None)
            yield due, result

    def _send(self, due: Due) -> Result:
        try:
            mail = mail_of(self._services, due)
        except UnrenderableError as error:
            _log.error("message_unrenderable", outbox_id=due.id, template=due.template)
            return Result(Outcome.TRY_LATER, f"no words: {type(error).__name__}")
        answer = self._client.send(mail)
        return Result(answer.outcome, answer.reason, provider_id=answer.message_id)
