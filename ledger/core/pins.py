"""Rules of the four-digit PIN: what is too weak, and how tries are counted."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

PIN_LENGTH = 4
TRIES_MAX = 3
LOCK_DURATION = timedelta(hours=1)

_RUNS_UP = "0123456789"
_RUNS_DOWN = _RUNS_UP[::-1]


class PinProblem(StrEnum):
    """Why a PIN may not be chosen."""

    NOT_FOUR_DIGITS = "not_four_digits"
    REPEATED = "repeated"
    RUN = "run"
    BIRTH_YEAR = "birth_year"
    OWN_NUMBER = "own_number"


def pin_problem(pin: str, msisdn: str) -> PinProblem | None:
    """Say why a PIN is too weak for the owner of a number, or None when it will do.

    Refused are repeats (``0000``, ``1212``), runs either way, years of birth and any four
    digits in a row of the owner's number: the ones that a finder of the phone tries first.
    """
    if not re.fullmatch(r"[0-9]{4}", pin, re.ASCII):
        return PinProblem.NOT_FOUR_DIGITS
    if pin[:2] == pin[2:]:
        return PinProblem.REPEATED
    if pin in _RUNS_UP or pin in _RUNS_DOWN or pin in ("7890", "0987"):
        return PinProblem.RUN
    if pin.startswith(("19", "20")):
        return PinProblem.BIRTH_YEAR
    if pin in "0" + msisdn.removeprefix("+254"):
        return PinProblem.OWN_NUMBER
    return None


@dataclass(frozen=True, slots=True)
class PinState:
    """The counters of a PIN: wrong tries in a row, and until when it is locked."""

    failures: int
    locked_until: datetime | None

    def is_locked(self, now: datetime) -> bool:
        """Tell whether tries are refused, whatever is typed."""
        return self.locked_until is not None and now < self.locked_until

    def after_wrong_try(self, now: datetime) -> "PinState":
        """Return the counters after one more wrong try; the third locks for an hour."""
        failures = self.failures + 1
        if failures >= TRIES_MAX:
            return PinState(failures=0, locked_until=now + LOCK_DURATION)
        return PinState(failures=failures, locked_until=None)

    @property
    def tries_left(self) -> int:
        """Return how many wrong tries remain before the lock."""
        return TRIES_MAX - self.failures
