"""Payments over M-Pesa as a state machine: what is known plus new evidence gives a decision.

Pure and table-driven. The rule of facts 2.1: a verified success outranks an earlier failure,
a failure never undoes a credit, and what has no verdict is asked about, never guessed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ledger.core.refusals import Refusal, RefusalCode


class PaymentKind(StrEnum):
    """What a payment is."""

    DEPOSIT = "deposit"
    """A prompt (STK push) that brings money into a wallet."""
    WITHDRAWAL = "withdrawal"
    """A payout (B2C) from a wallet, held before it is sent."""
    PAYBILL = "paybill"
    """Money that a customer sent by hand (C2B); it is complete when we first hear of it."""
    REVERSAL = "reversal"
    """A deposit on its way back to its payer."""


class PaymentState(StrEnum):
    """Where a payment stands."""

    CREATED = "created"
    SUBMITTING = "submitting"
    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


OPEN_STATES = frozenset(
    {
        PaymentState.CREATED,
        PaymentState.SUBMITTING,
        PaymentState.PENDING,
        PaymentState.UNKNOWN,
    }
)
"""States without a verdict."""


class EvidenceSource(StrEnum):
    """How we learnt something about a payment."""

    CALLBACK = "callback"
    """Posted to the payment's own token path."""
    QUERY = "query"
    """Our own question (STK query), answered on our own connection."""
    STATUS = "status"
    """A transaction status answer, posted to the payment's own token path."""
    TIMEOUT = "timeout"
    """A queue timeout, posted to the payment's own token path."""
    TWIN = "twin"
    """A paybill confirmation that carries the deposit's own account reference."""
    PULL = "pull"
    """A row of Pull Transactions with the deposit's own account reference."""
    ADMIN = "admin"


class Verdict(StrEnum):
    """What a piece of evidence says."""

    PAID = "paid"
    NOT_PAID = "not_paid"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as its rules need it; cents, and MSISDN in the stored form."""

    id: int
    kind: PaymentKind
    state: PaymentState
    user_id: int | None
    msisdn: str | None
    amount: int
    fee: int
    token: str
    account_reference: str
    source: str
    reference: str
    channel: str
    checkout_request_id: str | None
    merchant_request_id: str | None
    originator_conversation_id: str | None
    conversation_id: str | None
    mpesa_receipt: str | None
    result_code: str | None
    result_text: str | None
    settled_by: str | None
    transaction_id: int | None
    hold_transaction_id: int | None
    reverses_payment_id: int | None
    suspense_reason: str | None
    suspense_resolution: str | None
    review_reason: str | None
    payer_name: str | None
    attempts: int
    questions: int
    due_at: datetime | None
    created_at: datetime
    submitted_at: datetime | None
    paid_at: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What a customer asks for, in cents, and the (source, reference) under which it is done once.

    ``to`` is the number (stored form) to pay instead of the customer's own.
    """

    kind: PaymentKind
    user_id: int
    amount: int
    source: str
    reference: str
    to: str | None = None


def same_request(earlier: Payment, request: PaymentRequest) -> Payment | Refusal:
    """Return the payment that a repeated key made, or name what differs this time."""
    for name, stored, asked in (
        ("kind", earlier.kind, request.kind),
        ("user", earlier.user_id, request.user_id),
        ("amount", earlier.amount, request.amount),
    ):
        if stored != asked:
            return Refusal(RefusalCode.KEY_REUSED, {"field": name})
    return earlier


def cents_in_suspense(payment: Payment) -> int:
    """Return what of a payment waits in suspense for a person to allocate.

    Money that arrived waits without its fee, a hold that no wallet could take back with it.
    A payout that was paid after its release left a gap in suspense instead: nothing waits.
    """
    if payment.suspense_reason is None or payment.suspense_resolution is not None:
        return 0
    arrived = payment.kind in (PaymentKind.DEPOSIT, PaymentKind.PAYBILL)
    if arrived or payment.state is PaymentState.FAILED:
        return payment.amount + payment.fee
    return 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """One statement about one payment.

    ``code`` is Daraja's own. ``amount`` (cents), ``payer`` (stored form, or None when it was
    missing or masked), ``receipt`` and ``ids`` are what the statement itself carried.
    ``complete`` is False when a success came without the block that proves it;
    ``address_known`` is False when it was posted from outside Safaricom's networks.
    """

    source: EvidenceSource
    verdict: Verdict
    code: str
    text: str = ""
    amount: int | None = None
    payer: str | None = None
    receipt: str | None = None
    checkout_request_id: str | None = None
    merchant_request_id: str | None = None
    conversation_id: str | None = None
    originator_conversation_id: str | None = None
    paid_at: datetime | None = None
    complete: bool = True
    token_matched: bool = True
    address_known: bool = True


class Step(StrEnum):
    """What to do about a payment."""

    COMPLETE = "complete"
    FAIL = "fail"
    ASK = "ask"
    """Nothing is proven; ask Daraja soon. Nothing else changes but that a person can see why."""
    DOUBT = "doubt"
    """Move to unknown and ask; a hold stays."""
    ATTACH = "attach"
    """Already right; only fill in what was missing (receipt, time)."""
    NOTHING = "nothing"
    CONFLICT = "conflict"
    """Contradicts what is settled; keep the state, show it to a person."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A step, and the word under which the inbox and people find its reason."""

    step: Step
    reason: str


def decide(payment: Payment, evidence: Evidence) -> Decision:
    """Return what a statement changes about a payment."""
    contradiction = _contradiction(payment, evidence)
    if evidence.verdict is Verdict.PAID:
        return _decide_paid(payment, evidence, contradiction)
    if contradiction is not None:
        return Decision(Step.ASK if payment.state in OPEN_STATES else Step.NOTHING, contradiction)
    if evidence.verdict is Verdict.NOT_PAID:
        return _decide_not_paid(payment)
    return _decide_open(payment, evidence)


def _contradiction(payment: Payment, evidence: Evidence) -> str | None:
    """Name the first thing that does not fit, or None."""
    if not evidence.token_matched:
        return "wrong_token"
    if not evidence.address_known:
        return "foreign_address"
    pairs = (
        (payment.checkout_request_id, evidence.checkout_request_id),
        (payment.conversation_id, evidence.conversation_id),
        (payment.originator_conversation_id, evidence.originator_conversation_id),
    )
    known = [(ours, theirs) for ours, theirs in pairs if ours is not None and theirs is not None]
    # The gateway may put its own originator id in a result (Daraja 1.8): one match is enough.
    if known and not any(ours == theirs for ours, theirs in known):
        return "identifier_mismatch"
    if evidence.amount is not None and evidence.amount != payment.amount:
        return "amount_mismatch"
    if (
        payment.kind is PaymentKind.DEPOSIT
        and evidence.payer is not None
        and evidence.payer != payment.msisdn
    ):
        return "payer_mismatch"
    return None


def _decide_paid(payment: Payment, evidence: Evidence, contradiction: str | None) -> Decision:
    if payment.state is PaymentState.COMPLETED:
        return _decide_paid_again(payment, evidence, contradiction)
    if contradiction is not None:
        return Decision(Step.ASK, contradiction)
    if not evidence.complete:
        return Decision(Step.ASK, "success_without_details")
    late = payment.state in (PaymentState.FAILED, PaymentState.EXPIRED)
    return Decision(Step.COMPLETE, "late_success" if late else "success")


def _decide_paid_again(payment: Payment, evidence: Evidence, contradiction: str | None) -> Decision:
    if contradiction is not None:
        return Decision(Step.CONFLICT, contradiction)
    if evidence.receipt is None or evidence.receipt == payment.mpesa_receipt:
        return Decision(Step.NOTHING, "repeated")
    if payment.mpesa_receipt is None:
        return Decision(Step.ATTACH, "receipt_attached")
    return Decision(Step.CONFLICT, "second_receipt")


def _decide_not_paid(payment: Payment) -> Decision:
    if payment.state is PaymentState.COMPLETED:
        return Decision(Step.CONFLICT, "failure_after_success")
    if payment.state is PaymentState.FAILED:
        return Decision(Step.NOTHING, "repeated")
    return Decision(Step.FAIL, "failure")


def _decide_open(payment: Payment, evidence: Evidence) -> Decision:
    if payment.state not in OPEN_STATES:
        return Decision(Step.NOTHING, "recorded_after_verdict")
    if evidence.source is EvidenceSource.QUERY:
        return Decision(Step.NOTHING, "no_answer_yet")
    return Decision(Step.DOUBT, "no_verdict")


_PROMPT_DELAYS = (30, 60, 120, 300)
_PAYOUT_DELAYS = (60, 120, 300)
_HOURLY = 3600


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to ask about payments. ``pace`` below 1 asks sooner, as a drill does."""

    pace: float = 1.0

    def next_question(self, kind: PaymentKind, asked: int) -> timedelta:
        """Return how long to wait before question number ``asked`` (from 0) about a payment.

        A prompt: 30 s, 60 s, 2 and 5 minutes after the one before, then hourly (Daraja 1.7).
        """
        delays = _PROMPT_DELAYS if kind is PaymentKind.DEPOSIT else _PAYOUT_DELAYS
        return timedelta(seconds=delays[asked] if asked < len(delays) else _HOURLY) * self.pace

    @property
    def lease(self) -> timedelta:
        """Return how long a submission may go without an answer before it counts as lost."""
        return timedelta(seconds=90) * self.pace

    @property
    def prompt_lifetime(self) -> timedelta:
        """Return the age at which a prompt that M-Pesa's list lacks is surely dead."""
        return timedelta(minutes=2) * self.pace


PROMPT_GAP = timedelta(seconds=60)
"""At most one prompt to a phone in this time (Daraja 1.4)."""
SAME_AMOUNT_GAP = timedelta(seconds=120)
"""At most one prompt for the same amount in this time: sooner ends in result 17."""
PROMPT_DELAY = timedelta(seconds=3)
"""A handset in a USSD session can't show a prompt; it is sent this long after the request."""
EXPIRY = timedelta(hours=24)
"""A prompt without any verdict after this long is closed; a late success still credits."""
