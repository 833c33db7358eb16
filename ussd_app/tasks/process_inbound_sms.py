"""Acts on the texts that customers sent.

It stands here and not in jobs/tasks because keywords share the menus' actions; the queue names
it by its dotted path, so no module of ``jobs`` imports ``ussd_app``.
"""

import structlog

from jobs.queue import Task, ring
from jobs.services import JobServices
from jobs.texts.catalogue import Brand
from ledger.core.context import Context
from ledger.core.msisdn import is_stored_form
from ledger.core.people import User
from ledger.core.plans import Message
from ledger.core.refusals import Refusal
from ledger.db import inbound_sms, outbox
from ledger.db.inbound_sms import ATTEMPTS_MAX, HOURLY_COMMANDS_MAX, Text
from ledger.queries import users
from ussd_app.keywords import answers
from ussd_app.keywords.engine import Answer, Call, Reply, Understood, understand

_CONTEXT = Context.of_system("inbound-sms")
_log = structlog.get_logger(__name__)


def run(services: JobServices) -> None:
    """Answer every text that waits; each acts once, however often this runs."""
    answered = False
    while True:
        with services.database.transaction(_CONTEXT) as connection:
            text = inbound_sms.claim(connection)
        if text is None:
            break
        try:
            answered = _process(services, text) or answered
        except Exception:
            # One text that breaks must not hold up the others; its lease brings it back.
            _log.exception("text_not_processed", inbound_id=text.id, attempts=text.attempts)
            if text.attempts >= ATTEMPTS_MAX:
                _settle(services, text, "failed", "gave up", None)
    if answered:
        ring(services.redis, Task.SEND_SMS)


def _process(services: JobServices, text: Text) -> bool:
    """Act on one text; tell whether it got an answer."""
    if text.texts_this_hour > HOURLY_COMMANDS_MAX + 1 or not is_stored_form(text.sender):
        return _settle(services, text, "ignored", "too many or no customer's number", None)
    user = users.find(services.database, text.sender)
    if user is not None and user.status != "active":
        user = None
    understood = understand(text.body)
    language = user.language if user is not None else understood.language
    if text.texts_this_hour == HOURLY_COMMANDS_MAX + 1:
        reply: Reply | None = Answer(answers.TOO_MANY)
    else:
        reply = _reply(services, text, user, understood)
    if reply is None:
        return _settle(services, text, "ignored", "nothing to read", None)
    message = _message(services, reply, user, text.sender, language)
    verdict = understood.keyword.english[0] if understood.keyword else "no keyword"
    return _settle(services, text, "processed", verdict, message)


def _reply(
    services: JobServices, text: Text, user: User | None, understood: Understood
) -> Reply | None:
    if text.held_pin:
        return Answer(answers.NEVER_TEXT_PIN)
    if not any(character.isalnum() for character in text.body):
        return None
    if user is None:
        return _reply_to_stranger(services, text, understood)
    if understood.keyword is None:
        return Answer(answers.MENU)
    if understood.argument is None:
        return Answer(understood.keyword.usage)
    call = Call(services, user, understood.argument, reference=text.provider_id)
    return understood.keyword.run(call)


def _reply_to_stranger(services: JobServices, text: Text, understood: Understood) -> Reply:
    keyword = understood.keyword
    if keyword is None or keyword.run_for_stranger is None or understood.argument is None:
        return Answer(answers.HOW_TO_JOIN)
    return keyword.run_for_stranger(services, text.sender)


def _message(
    services: JobServices, reply: Reply, user: User | None, sender: str, language: str
) -> Message:
    if isinstance(reply, Message):
        return reply
    brand = Brand(services.settings.ussd_code, services.settings.sms_code)
    if isinstance(reply, Refusal):
        text = answers.refusal_text(reply, language, brand)
    else:
        text = reply.text(language, brand)
    return Message(
        user_id=user.id if user is not None else None,
        recipient=sender,
        language=language,
        template="reply",
        params={"text": text},
    )


def _settle(
    services: JobServices, text: Text, state: str, verdict: str, message: Message | None
) -> bool:
    """Close the text and queue its answer in one transaction."""
    with services.database.transaction(_CONTEXT) as connection:
        first = inbound_sms.settle(connection, text.id, state, verdict)
        if first and message is not None:
            outbox.put(connection, message)
    return first and message is not None
