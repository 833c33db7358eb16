"""What a worker reports after it has sent a payment to Daraja."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Sent(StrEnum):
    """What is certain after one request."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Submission:
    """The outcome of one request with Daraja's own code and the identifiers it gave.

    ``temporary`` marks a refusal after which the same request may be sent again.
    """

    sent: Sent
    code: str
    text: str
    temporary: bool = False
    checkout_request_id: str | None = None
    merchant_request_id: str | None = None
    conversation_id: str | None = None


PROMPT_ATTEMPTS_MAX = 4
_RETRY_SECONDS = (5, 20, 40, 60, 120, 300, 600)


def retry_delay(attempts: int, jitter: float) -> timedelta:
    """Return how long to wait after ``attempts`` refused tries; ``jitter`` is from 0 to 1."""
    seconds = _RETRY_SECONDS[min(attempts, len(_RETRY_SECONDS)) - 1]
    return timedelta(seconds=seconds * (1 + jitter / 4))
