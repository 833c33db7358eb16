"""What Daraja's result codes mean for us; one table a flow, because 2001 differs (1.6, 1.8)."""

from dataclasses import dataclass
from enum import StrEnum


class PayoutClass(StrEnum):
    """What a non-zero payout result means for the hold."""

    FAILED = "failed"
    FAILED_AND_PAUSE = "failed_and_pause"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True, slots=True)
class PayoutFailure:
    """A payout's verdict: its class, the template for the customer, and the reason of a pause."""

    payout_class: PayoutClass
    template: str = "withdrawal_failed"
    pause_reason: str | None = None


PROMPT_STILL_OPEN = "4999"

_PROMPT_TEMPLATES = {
    "1": "deposit_failed_insufficient",
    "2": "deposit_failed_limit",
    "3": "deposit_failed_limit",
    "4": "deposit_failed_limit",
    "8": "deposit_failed",
    "17": "deposit_failed_phone_busy",
    "26": "deposit_failed_busy",
    "1001": "deposit_failed_phone_busy",
    "1019": "deposit_failed_timeout",
    "1025": "deposit_failed_busy",
    "1032": "deposit_failed_cancelled",
    "1037": "deposit_failed_timeout",
    "2001": "deposit_failed_wrong_pin",
    "8006": "deposit_failed_wrong_pin",
    "9999": "deposit_failed_busy",
}
_PROMPT_ALARMS = frozenset({"8", "2028", "SFC_IC0003"})


def prompt_failure_template(code: str) -> str:
    """Return the message for a prompt that ended with a non-zero code: no money moved."""
    return _PROMPT_TEMPLATES.get(code, "deposit_failed")


def prompt_failure_needs_review(code: str) -> bool:
    """Tell whether a failed prompt points at our own set-up, or at a code nobody has listed."""
    return code in _PROMPT_ALARMS or code not in _PROMPT_TEMPLATES


_FAILED = PayoutClass.FAILED
_PAUSE = PayoutClass.FAILED_AND_PAUSE
_PAYOUT_FAILURES = {
    "1": PayoutFailure(_PAUSE, "withdrawal_failed_service", "out_of_float"),
    "2": PayoutFailure(_FAILED, "withdrawal_failed_limit"),
    "3": PayoutFailure(_FAILED, "withdrawal_failed_limit"),
    "4": PayoutFailure(_FAILED, "withdrawal_failed_limit"),
    "8": PayoutFailure(_FAILED, "withdrawal_failed_limit"),
    "11": PayoutFailure(_PAUSE, "withdrawal_failed_service", "account_state"),
    "2006": PayoutFailure(_PAUSE, "withdrawal_failed_service", "account_state"),
    "21": PayoutFailure(_PAUSE, "withdrawal_failed_service", "initiator_not_allowed"),
    "2001": PayoutFailure(_PAUSE, "withdrawal_failed_service", "initiator_invalid"),
    "2028": PayoutFailure(_PAUSE, "withdrawal_failed_service", "product_not_assigned"),
    "8006": PayoutFailure(_PAUSE, "withdrawal_failed_service", "initiator_locked"),
    "2040": PayoutFailure(_FAILED, "withdrawal_failed_unregistered"),
    "SFC_IC0003": PayoutFailure(_FAILED, "withdrawal_failed_unregistered"),
    **{code: PayoutFailure(_FAILED) for code in ("18", "20", "22", "24", "25", "29")},
}
_IN_DOUBT = PayoutFailure(PayoutClass.IN_DOUBT)


def payout_failure(code: str) -> PayoutFailure:
    """Return what a non-zero payout result means; a code in no list never releases a hold."""
    return _PAYOUT_FAILURES.get(code, _IN_DOUBT)


REVERSAL_DONE_EARLIER = "R000001"
_REVERSAL_FAILED = frozenset({"R000002", "1", "11", "21", "2001", "2006", "2028", "8006"})


def reversal_failed(code: str) -> bool:
    """Tell whether a reversal's code is a definite failure (Daraja 1.11)."""
    return code in _REVERSAL_FAILED


STATUS_PAID = frozenset({"completed"})
STATUS_NOT_PAID = frozenset({"cancelled", "declined", "expired"})
"""Fates of a transaction in a status answer, in lower case; every other fate is still open."""
