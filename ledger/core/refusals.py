"""Every refusal the ledger can give, in order of precedence.

A refusal is an expected answer, so it is a value and not an exception. Where several
apply, the one that stands first in ``RefusalCode`` is given; ``first`` picks it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class RefusalCode(StrEnum):
    """Why the ledger did not do what was asked. The order is the order of precedence."""

    KEY_REUSED = "key_reused"
    """The idempotency key was used for another request; ``field`` names what differs."""
    PAYMENT_UNKNOWN = "payment_unknown"
    TRANSACTION_UNKNOWN = "transaction_unknown"
    REQUEST_UNKNOWN = "request_unknown"
    ITEM_UNKNOWN = "item_unknown"
    NOT_REGISTERED = "not_registered"
    PIN_WEAK = "pin_weak"
    ALREADY_REGISTERED = "already_registered"
    USER_CLOSED = "user_closed"
    RECIPIENT_UNKNOWN = "recipient_unknown"
    RECIPIENT_IS_SENDER = "recipient_is_sender"
    STATE_CONFLICT = "state_conflict"
    RECEIPT_USED = "receipt_used"
    REQUEST_CLOSED = "request_closed"
    """A request for money that is answered already, or older than seven days."""
    PIN_WRONG = "pin_wrong"
    PIN_LOCKED = "pin_locked"
    PIN_MUST_CHANGE = "pin_must_change"
    REVERSAL_OF_REVERSAL = "reversal_of_reversal"
    ALREADY_REVERSED = "already_reversed"
    ACCOUNT_UNKNOWN = "account_unknown"
    ACCOUNT_FROZEN = "account_frozen"
    ACCOUNT_CLOSED = "account_closed"
    RECIPIENT_CANNOT_RECEIVE = "recipient_cannot_receive"
    WITHDRAWALS_OWN_ONLY = "withdrawals_own_only"
    """No limit allows withdrawals to another number (kind ``withdrawal_other``)."""
    AMOUNT_INVALID = "amount_invalid"
    WHOLE_SHILLINGS_ONLY = "whole_shillings_only"
    AMOUNT_TOO_SMALL = "amount_too_small"
    AMOUNT_TOO_LARGE = "amount_too_large"
    WITHDRAWALS_PAUSED = "withdrawals_paused"
    WITHDRAWALS_CAPPED = "withdrawals_capped"
    PROMPT_OPEN = "prompt_open"
    """Another M-Pesa prompt to this phone is still open (Daraja 1.4: one a minute)."""
    INSUFFICIENT_FUNDS = "insufficient_funds"
    WALLET_FULL = "wallet_full"
    DAILY_LIMIT = "daily_limit"
    WALLET_NOT_EMPTY = "wallet_not_empty"
    PAYMENT_PENDING = "payment_pending"
    REQUESTS_TODAY = "requests_today"
    LOOKUPS_TODAY = "lookups_today"
    """Too many names were shown today without a payment after them."""
    TICKETS_TODAY = "tickets_today"
    RESETS_BLOCKED = "resets_blocked"
    """Too many wrong answers to the identity questions: for a week only support helps."""
    IDENTITY_WRONG = "identity_wrong"
    START_PIN_EXPIRED = "start_pin_expired"
    PERIOD_INVALID = "period_invalid"
    """``problem`` is reversed, future or too_long (more than ``years``)."""
    EMAIL_UNCONFIRMED = "email_unconfirmed"
    STATEMENTS_TODAY = "statements_today"
    """``maximum`` statements have been mailed today."""


_PRECEDENCE = {code: position for position, code in enumerate(RefusalCode)}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An expected no: a stable code, and the figures a message needs (cents, counts, names)."""

    code: RefusalCode
    details: dict[str, int | str] = field(default_factory=dict)


def first(refusals: Iterable[Refusal | None]) -> Refusal | None:
    """Return the refusal that takes precedence, or None when there is none."""
    present = [refusal for refusal in refusals if refusal is not None]
    return min(present, key=lambda refusal: _PRECEDENCE[refusal.code], default=None)
