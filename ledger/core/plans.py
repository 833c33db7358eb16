"""What a use-case asks the kernel to post: one whole transaction, as a value."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from ledger.core.chart import Kind
from ledger.core.money import AMOUNT_CENTS_MAX

RECEIPT_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Upper-case letters and digits without 0/O, 1/I/L."""
RECEIPT_LENGTH = 10
_RECEIPTS = len(RECEIPT_ALPHABET) ** RECEIPT_LENGTH

RequestValue = str | int | None


def new_receipt() -> str:
    """Return a random human reference, such as ``7KQ2MRX9TB``."""
    return new_receipts(1)[0]


def new_receipts(count: int) -> list[str]:
    """Return several by one draw: each asks the system, and lets another thread go first."""
    number = secrets.randbelow(_RECEIPTS**count)
    receipts = []
    for _ in range(count):
        letters = []
        for _ in range(RECEIPT_LENGTH):
            number, place = divmod(number, len(RECEIPT_ALPHABET))
            letters.append(RECEIPT_ALPHABET[place])
        receipts.append("".join(letters))
    return receipts


@dataclass(frozen=True, slots=True)
class Message:
    """A message that commits with its cause. Rendered when it is sent, never here.

    ``balance_of`` names the account whose balance after the posting joins ``params``. A message
    that goes with a posting is read at ``email`` too, where that is given.
    """

    user_id: int | None
    recipient: str
    language: str
    template: str
    params: Mapping[str, int | str] = field(default_factory=dict)
    balance_of: int | None = None
    channel: str = "sms"
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts ``amount`` cents against a daily limit; a negative amount gives usage back."""

    account_id: int
    kind: str
    day: date
    amount: int
    daily_max: int


def digest_of(kind: Kind, request: Mapping[str, RequestValue]) -> bytes:
    """Return the digest of what was asked, whatever the order of its names."""
    canonical = json.dumps({"kind": kind, **request}, sort_keys=True)
    return hashlib.sha256(canonical.encode()).digest()


@dataclass(frozen=True, slots=True)
class Plan:
    """One transaction to post.

    ``debits`` maps account id to cents: positive debits the account, negative credits it.
    ``request`` is what was asked; the same (source, reference) with another request is refused.
    ``details`` is kept for history and statements. ``ceilings`` maps a wallet to the most
    that it may hold afterwards.
    """

    kind: Kind
    source: str
    reference: str
    debits: Mapping[int, int]
    request: Mapping[str, RequestValue]
    details: Mapping[str, object] = field(default_factory=dict)
    ceilings: Mapping[int, int] = field(default_factory=dict)
    payment_id: int | None = None
    reverses_id: int | None = None
    usage: Usage | None = None
    messages: tuple[Message, ...] = ()

    def __post_init__(self) -> None:
        if len(self.debits) < 2 or sum(self.debits.values()) != 0:
            raise ValueError("a transaction needs at least two postings that sum to zero")
        if any(debit == 0 or abs(debit) > AMOUNT_CENTS_MAX for debit in self.debits.values()):
            raise ValueError("each posting needs an amount within bounds")

    @property
    def request_digest(self) -> bytes:
        """Return the digest by which a repeated request is recognised."""
        return digest_of(self.kind, self.request)


def moving(amount: int, *, debit: int, credit: int) -> dict[int, int]:
    """Return the two debits of a plain movement: debit one account, credit the other."""
    return {debit: amount, credit: -amount}


@dataclass(frozen=True, slots=True)
class Posted:
    """The kernel's answer to a plan. ``balances`` holds each wallet's cents after it.

    ``replayed`` tells that an earlier call with the same key did the work.
    """

    transaction_id: int
    receipt: str
    posted_at: datetime
    balances: Mapping[int, int]
    replayed: bool
