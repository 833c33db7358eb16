"""How a customer's USSD session went: what support may know of it, and no more."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SessionOutcome(StrEnum):
    """How a session ended."""

    COMPLETED = "completed"
    """It reached a last screen. No proof that money moved."""
    HUNG_UP = "hung_up"
    TIMED_OUT = "timed_out"
    FAILED = "failed"
    """Our answer was wrong or came too late."""


@dataclass(frozen=True, slots=True)
class UssdSession:
    """One session that has ended. ``digest`` stands for its id; ``screens`` are names in order."""

    digest: str
    msisdn: str
    began_at: datetime
    seconds: int
    network: str
    outcome: SessionOutcome
    screens: tuple[str, ...]
