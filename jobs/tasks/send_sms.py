"""Send the SMS that are due. Rows of the outbox hold values; the words are made here."""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

import structlog

from jobs.clients.africastalking import RECIPIENTS_MAX, Outcome, Sent, SmsClient
from jobs.delivery import PauseReason, Result, pause_reason
from jobs.outbox_drain import drain
from jobs.queue import Task, ring
from jobs.services import JobServices
from jobs.texts.catalogue import Brand, UnrenderableError, render, templates
from jobs.texts.security import START_PIN
from ledger.core.context import Context
from ledger.core.plans import Message
from ledger.db import outbox
from ledger.db.outbox_sending import Due
from ledger.one_time_codes import code_of, start_pin_of

_THREADS = 4
_CONTEXT = Context.of_system("outbox-sms")
_log = structlog.get_logger(__name__)


def run(services: JobServices) -> None:
    """Send until nothing is due, or until the provider must be left alone for a while."""
    pepper = services.settings.pin_pepper.get_secret_value()
    sender = SmsSender(SmsClient.from_settings(services.settings), brand_of(services), pepper)
    drained = drain(
        services.database, "sms", sender.deliver, lambda reason: _alarm(services, reason)
    )
    if drained.more:
        ring(services.redis, Task.SEND_SMS)


def _alarm(services: JobServices, reason: PauseReason) -> None:
    """Write to the organisation when only it can help."""
    if reason is PauseReason.UNREACHABLE:
        return
    with services.database.transaction(_CONTEXT) as connection:
        for address in services.settings.admin_emails:
            values = {"channel": "sms", "reason": reason.value}
            outbox.put(
                connection,
                Message(None, address, "en", "channel_paused", values, channel="email"),
            )


def brand_of(services: JobServices) -> Brand:
    """Return the codes that texts name."""
    return Brand(services.settings.ussd_code, services.settings.sms_code)


class SmsSender:
    """Renders and sends a batch: one call for rows with the same text, else one a number."""

    def __init__(self, client: SmsClient, brand: Brand, pin_pepper: str) -> None:
        self._client = client
        self._brand = brand
        self._pin_pepper = pin_pepper

    def deliver(self, batch: list[Due]) -> Iterator[tuple[Due, Result | None]]:
        """Yield each message with its result as it becomes known."""
        calls: dict[str, list[Due]] = defaultdict(list)
        for due in batch:
            refused = self._refuse(due)
            if refused is not None:
                yield due, refused
                continue
            try:
                text = render(due.template, due.language, self._values(due), self._brand)
            except UnrenderableError as error:
                _log.error("message_unrenderable", outbox_id=due.id, template=due.template)
                yield due, Result(Outcome.TRY_LATER, f"no words: {type(error).__name__}")
            else:
                calls[text].append(due)
        yield from self._send_all(calls)

    def _values(self, due: Due) -> Mapping[str, object]:
        """Return what the words need; secret digits exist from here on only."""
        nonce = due.params.get("nonce")
        if not isinstance(nonce, str):
            return due.params
        digits = start_pin_of if due.template == START_PIN.name else code_of
        return {**due.params, "code": digits(self._pin_pepper, bytes.fromhex(nonce))}

    @staticmethod
    def _refuse(due: Due) -> Result | None:
        template = templates().get(due.template)
        if due.opted_out and not (template is not None and template.answer):
            return Result(Outcome.OPTED_OUT, "customer sent STOP")
        return None

    def _send_all(self, calls: dict[str, list[Due]]) -> Iterator[tuple[Due, Result | None]]:
        stop = threading.Event()
        with ThreadPoolExecutor(max_workers=_THREADS) as pool:
            running: dict[Future[list[tuple[Due, Result | None]]], None] = {}
            for text, rows in calls.items():
                for group in _calls_of(rows):
                    running[pool.submit(self._send, text, group, stop)] = None
            for done in as_completed(running):
                yield from done.result()

    def _send(
        self, text: str, group: list[Due], stop: threading.Event
    ) -> list[tuple[Due, Result | None]]:
        """Send one call. After a failure of the provider the rest of the batch is not tried."""
        if stop.is_set():
            return [(due, None) for due in group]
        sent = self._client.send(text, [due.recipient for due in group])
        if any(pause_reason(answer.outcome) for answer in sent.values()):
            stop.set()
        return [(due, _result(sent[due.recipient])) for due in group]


def _result(sent: Sent) -> Result:
    return Result(sent.outcome, sent.reason, sent.provider_id, sent.cost)


def _calls_of(rows: list[Due]) -> Iterator[list[Due]]:
    """Split rows of one text into calls that name no number twice."""
    waiting = rows
    while waiting:
        group: dict[str, Due] = {}
        later = []
        for due in waiting:
            if due.recipient in group or len(group) == RECIPIENTS_MAX:
                later.append(due)
            else:
                group[due.recipient] = due
        yield list(group.values())
        waiting = later
