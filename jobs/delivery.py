"""What the outbox does after one try: pure decisions about states, back-off and pauses."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from jobs.clients.africastalking import Outcome
from ledger.db.outbox_sending import Due, Tried

ATTEMPTS_MAX = 7
_BACKOFF = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=4),
)


class PauseReason(StrEnum):
    """Why a channel stops for a while; rows wait without losing a try."""

    UNREACHABLE = "unreachable"
    NO_CREDIT = "no_credit"
    ON_HOLD = "on_hold"


_PAUSES = {
    Outcome.NOT_SENT: PauseReason.UNREACHABLE,
    Outcome.UNKNOWN: PauseReason.UNREACHABLE,
    Outcome.NO_CREDIT: PauseReason.NO_CREDIT,
    Outcome.ON_HOLD: PauseReason.ON_HOLD,
}
_LONG_PAUSE_SECONDS = 300
_PROBE_SECONDS_MAX = 60


@dataclass(frozen=True, slots=True)
class Result:
    """How one try went, whatever the channel."""

    outcome: Outcome
    reason: str
    provider_id: str | None = None
    cost: str | None = None


def pause_reason(outcome: Outcome) -> PauseReason | None:
    """Return why the whole channel must stop after this outcome, if it must."""
    return _PAUSES.get(outcome)


def pause_seconds(reason: PauseReason, failures: int) -> int:
    """Return how long to stop: 5 s doubling to a minute for an outage, five minutes for money."""
    if reason is PauseReason.UNREACHABLE:
        return min(_PROBE_SECONDS_MAX, 5 << min(failures, 10))
    return _LONG_PAUSE_SECONDS


def settle(due: Due, result: Result) -> Tried:
    """Return a row's next state. What surely was not sent costs no try."""
    outcome = result.outcome
    if outcome is Outcome.ACCEPTED:
        return Tried(
            due.id,
            due.attempts,
            "sent",
            provider_id=result.provider_id,
            provider_status=result.reason,
            cost_text=result.cost,
        )
    if outcome is Outcome.OPTED_OUT:
        return Tried(due.id, due.attempts, "opted_out", failure_reason=result.reason)
    if outcome in (Outcome.REFUSED, Outcome.SENDER_REFUSED):
        return Tried(due.id, due.attempts, "failed", failure_reason=result.reason)
    if outcome in (Outcome.NOT_SENT, Outcome.NO_CREDIT, Outcome.ON_HOLD):
        return put_back(due, result.reason)
    if due.attempts >= ATTEMPTS_MAX:
        return Tried(due.id, due.attempts, "failed", failure_reason=f"gave up: {result.reason}")
    wait = _BACKOFF[min(due.attempts, len(_BACKOFF)) - 1]
    return Tried(
        due.id,
        due.attempts,
        "queued",
        failure_reason=result.reason,
        wait_seconds=wait.total_seconds(),
    )


def put_back(due: Due, reason: str | None = None) -> Tried:
    """Return a row to the queue as if it had not been taken."""
    return Tried(
        due.id, due.attempts, "queued", failure_reason=reason, wait_seconds=0.0, tries_given_back=1
    )
