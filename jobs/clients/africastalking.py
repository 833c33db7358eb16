"""SMS through the africastalking SDK, with an outcome for every recipient.

The SDK reports refusals as normal returns and names no HTTP status in its errors (facts read
from version 2.0.3, which is pinned). Its ``callback`` argument swallows errors in a thread of
its own, so it is never used. One request, no retries: the outbox decides what is sent again.
"""

import json
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import requests
import structlog
from africastalking.Service import AfricasTalkingException
from africastalking.SMS import SMSService
from urllib3.exceptions import MaxRetryError, NewConnectionError

from jobs.settings import JobSettings
from ledger.core.msisdn import is_stored_form

_TIMEOUT_SECONDS = (3.05, 9.05)
RECIPIENTS_MAX = 100
"""Most numbers in one request."""

_log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    """What became of one message to one number."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """For good: this number can't be reached this way."""
    OPTED_OUT = "opted_out"
    TRY_LATER = "try_later"
    SENDER_REFUSED = "sender_refused"
    """Our sender name is not allowed; the message was not sent."""
    NO_CREDIT = "no_credit"
    ON_HOLD = "on_hold"
    """The provider holds our account for risk; asking faster makes it worse."""
    NOT_SENT = "not_sent"
    """No connection, or no valid key: the provider has not seen the message."""
    UNKNOWN = "unknown"
    """No readable answer: the message may be on its way."""


_OUTCOMES: Mapping[int, Outcome] = {
    100: Outcome.ACCEPTED,
    101: Outcome.ACCEPTED,
    102: Outcome.ACCEPTED,
    401: Outcome.ON_HOLD,
    402: Outcome.SENDER_REFUSED,
    403: Outcome.REFUSED,
    404: Outcome.REFUSED,
    405: Outcome.NO_CREDIT,
    406: Outcome.OPTED_OUT,
    407: Outcome.REFUSED,
    409: Outcome.REFUSED,
    500: Outcome.TRY_LATER,
    501: Outcome.TRY_LATER,
    502: Outcome.TRY_LATER,
}
"""By ``statusCode``: the ``status`` word says ``Success`` for queued messages too."""

_INVALID_SENDER = "InvalidSenderId"
_INVALID_KEY = "authentication is invalid"


@dataclass(frozen=True, slots=True)
class Sent:
    """One recipient's outcome. ``reason`` is the provider's word; ``cost`` like ``KES 0.8000``."""

    outcome: Outcome
    reason: str
    provider_id: str | None = None
    cost: str | None = None


class SmsClient:
    """One Africa's Talking account. Safe to share between threads."""

    def __init__(
        self, username: str, api_key: str, *, sender_id: str | None, base_url: str | None = None
    ) -> None:
        self._sender_id = sender_id
        self._service = SMSService(username, api_key)
        if base_url is not None:
            # The SDK takes no address; the name is private, so a missing one must be loud.
            if not isinstance(self._service._baseUrl, str):
                raise TypeError("the SDK keeps its address elsewhere now")
            self._service._baseUrl = f"{base_url.rstrip('/')}/version1"

    @classmethod
    def from_settings(cls, settings: JobSettings) -> Self:
        """Build the client that the settings describe."""
        return cls(
            settings.at_username,
            settings.at_api_key.get_secret_value(),
            sender_id=settings.at_sender_id,
            base_url=settings.at_base_url,
        )

    def send(self, text: str, numbers: Iterable[str]) -> dict[str, Sent]:
        """Send one text to numbers in the stored form; return each number's outcome.

        A sender name that is refused is left out once. Never raises for what the provider
        or the network does.
        """
        wanted = list(dict.fromkeys(numbers))
        valid = [number for number in wanted if is_stored_form(number)]
        if len(valid) > RECIPIENTS_MAX:
            raise ValueError(f"at most {RECIPIENTS_MAX} numbers a request")
        results = {number: Sent(Outcome.REFUSED, "InvalidPhoneNumber") for number in wanted}
        if valid:
            results |= self._post(text, valid, self._sender_id)
        refused = [number for number in valid if results[number].outcome is Outcome.SENDER_REFUSED]
        if refused and self._sender_id is not None:
            _log.error("sms_sender_refused", recipients_count=len(refused))
            results |= self._post(text, refused, None)
        return results

    def _post(self, text: str, numbers: list[str], sender_id: str | None) -> dict[str, Sent]:
        started = time.monotonic()
        try:
            answer = self._service.send(text, numbers, sender_id, timeout=_TIMEOUT_SECONDS)
        except AfricasTalkingException as error:
            results = _all(numbers, _refused_request(str(error)))
        except Exception as error:  # whatever breaks on the wire must not lose the batch
            outcome = Outcome.NOT_SENT if _was_never_sent(error) else Outcome.UNKNOWN
            results = _all(numbers, Sent(outcome, type(error).__name__))
        else:
            results = read_answer(answer, numbers)
        _log.info(
            "sms_answered",
            outcomes=sorted({result.outcome.value for result in results.values()}),
            recipients_count=len(numbers),
            milliseconds=round((time.monotonic() - started) * 1000),
        )
        return results


def read_answer(answer: object, numbers: list[str]) -> dict[str, Sent]:
    """Return each number's outcome from a 2xx answer, which the SDK may leave as text."""
    if isinstance(answer, str):
        try:
            answer = json.loads(answer)
        except ValueError:
            return _all(numbers, Sent(Outcome.UNKNOWN, "unreadable answer"))
    data = answer.get("SMSMessageData") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        return _all(numbers, Sent(Outcome.UNKNOWN, "unreadable answer"))
    recipients = data.get("Recipients")
    if not recipients:
        if data.get("Message") == _INVALID_SENDER:
            return _all(numbers, Sent(Outcome.SENDER_REFUSED, _INVALID_SENDER))
        return _all(numbers, Sent(Outcome.UNKNOWN, "no recipients in the answer"))
    results = _all(numbers, Sent(Outcome.UNKNOWN, "missing in the answer"))
    for recipient in recipients if isinstance(recipients, list) else ():
        if isinstance(recipient, dict) and recipient.get("number") in results:
            results[recipient["number"]] = _read_recipient(recipient)
    return results


def _read_recipient(recipient: dict[str, object]) -> Sent:
    try:
        code = int(str(recipient.get("statusCode")))
    except ValueError:
        return Sent(Outcome.UNKNOWN, "no status code")
    outcome = _OUTCOMES.get(code, Outcome.TRY_LATER)
    reason = f"{code} {recipient.get('status', '')}".strip()[:100]
    if outcome is not Outcome.ACCEPTED:
        return Sent(outcome, reason)
    cost = recipient.get("cost")
    return Sent(
        outcome,
        reason,
        provider_id=str(recipient.get("messageId", ""))[:100] or None,
        cost=None if cost is None else str(cost)[:40],
    )


def _refused_request(text: str) -> Sent:
    """Classify an HTTP error; only the text of its body is known."""
    if _INVALID_KEY in text:
        _log.error("sms_key_refused")
        return Sent(Outcome.NOT_SENT, "API key refused")
    return Sent(Outcome.UNKNOWN, "HTTP error")


def _all(numbers: list[str], result: Sent) -> dict[str, Sent]:
    return dict.fromkeys(numbers, result)


def _was_never_sent(error: Exception) -> bool:
    """Tell whether no byte of the request can have left."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    if isinstance(reason, NewConnectionError):
        return True
    inner = reason.args[0] if reason is not None and reason.args else None
    return isinstance(inner, ssl.SSLCertVerificationError)
