"""What reconciliation looks for and how a run ends. Definitions: facts/daraja 2.3."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from ledger.core.rules import NAIROBI

GRACE = timedelta(minutes=10)
"""How long a callback may take before its absence is worth a line."""
MARGIN = timedelta(hours=1)
"""By how much the two sides' clocks may differ at the edges of a window."""
LIGHT_WINDOW = timedelta(hours=3)
DUAL_CONTROL_CENTS = 1_000_000
"""Corrections of more than this (KES 10,000) need a second member of staff."""


class Category(StrEnum):
    """What can be wrong between M-Pesa and the ledger."""

    MISSING_LEDGER = "missing_ledger"
    """M-Pesa completed a payment that the ledger does not have."""
    MISSING_CALLBACK = "missing_callback"
    """Daraja posted nothing about a payment of ours; a signal even when the money is right."""
    AMOUNT_MISMATCH = "amount_mismatch"
    """Both sides have the receipt and name different amounts."""
    STATUS_MISMATCH = "status_mismatch"
    """Both sides know the payment and disagree about its verdict."""
    MISSING_EXTERNAL = "missing_external"
    """The ledger has a receipt that M-Pesa's own list lacks: forged or wrong, most serious."""
    DUPLICATE_RECEIPT = "duplicate_receipt"
    """One receipt stands for two movements on one side."""
    CONTROL_TOTAL = "control_total"
    """Sums differ although no single row shows it."""
    LEDGER_CHECK = "ledger_check"
    """The ledger's own proof failed."""


class RunKind(StrEnum):
    """What a run compares."""

    MPESA = "mpesa"
    LEDGER = "ledger"


class RunState(StrEnum):
    """How far a run is, or how it ended."""

    REQUESTED = "requested"
    RUNNING = "running"
    COMPLETED = "completed"
    WARNING = "warning"
    """Something was found."""
    INCOMPLETE = "incomplete"
    """A source could not be read, so finding nothing would prove nothing."""
    FAILED = "failed"


class ItemAction(StrEnum):
    """What resolving an item does besides noting it."""

    NOTE = "note"
    CREDIT = "credit"
    """Book M-Pesa's money: to the payment's wallet when it has one, else to suspense."""


class SourceState(StrEnum):
    """Whether a source of external facts was there to be read."""

    READ = "read"
    FAILED = "failed"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True)
class Window:
    """The span of a run: ``start`` is included, ``end`` is not."""

    start: datetime
    end: datetime


def window_of_day(day: date) -> Window:
    """Return a whole day in Nairobi."""
    start = datetime.combine(day, time(), NAIROBI)
    return Window(start.astimezone(UTC), (start + timedelta(days=1)).astimezone(UTC))


def light_window(now: datetime) -> Window:
    """Return the last three hours, for the hourly run."""
    return Window(now - LIGHT_WINDOW, now)


def final_state(found: Mapping[str, int], sources: Mapping[str, str]) -> RunState:
    """Return how a run ends. Unread sources outweigh findings: the list may be longer."""
    if SourceState.FAILED in sources.values():
        return RunState.INCOMPLETE
    return RunState.WARNING if any(found.values()) else RunState.COMPLETED


def needs_second_person(action: ItemAction, amount: int) -> bool:
    """Tell whether a correction of so many cents takes two members of staff."""
    return action is not ItemAction.NOTE and abs(amount) > DUAL_CONTROL_CENTS
