"""M-Pesa's own truth: customers, the organisation's accounts, and every payment.

The organisation is a one-account shortcode: what customers pay lands in Utility, and payouts
leave Utility. Safaricom's fees are taken from Charges Paid, which runs negative until it is
settled. Nothing moves without a payment, so for every customer and account
balance = opening + payments (``imbalance`` says by how much that fails).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from standin import tariffs
from standin.clock import Clock
from standin.money import to_shillings

CUSTOMER_OPENING = 10_000_00
CUSTOMER_PIN = "1234"
TRANSACTION_MAX = 250_000_00
WALLET_MAX = 500_000_00
DAILY_MAX = 500_000_00
PIN_TRIES = 3
_FIRST_NAMES = ("JANE", "PETER", "AMINA", "JOHN", "GRACE", "BRIAN", "FAITH", "HASSAN", "MARY")
_LAST_NAMES = ("WANJIKU", "OTIENO", "MWANGI", "ACHIENG", "KIPTOO", "MUTUA", "NJERI", "BARASA")


@dataclass(slots=True)
class Customer:
    """An M-Pesa customer and the phone in the customer's hand. Balances in cents."""

    msisdn: str
    balance: int = CUSTOMER_OPENING
    opened: int = CUSTOMER_OPENING
    pin: str = CUSTOMER_PIN
    registered: bool = True
    reachable: bool = True
    pin_failures: int = 0

    @property
    def names(self) -> tuple[str, str]:
        """First and last name, made up from the number and therefore always the same."""
        number = int(self.msisdn[-6:])
        return (
            _FIRST_NAMES[number % len(_FIRST_NAMES)],
            _LAST_NAMES[number // 7 % len(_LAST_NAMES)],
        )

    @property
    def locked(self) -> bool:
        """Whether too many wrong PINs have locked the customer out."""
        return self.pin_failures >= PIN_TRIES


@dataclass(slots=True)
class Payment:
    """One payment, tried or done. ``amount`` and ``charge`` in cents; times in EAT.

    ``kind``: stk, paybill, b2c or reversal. ``state``: pending, completed, failed, expired.
    ``receipt`` exists for completed payments only; ``reference`` is what the payer or caller
    wrote (account number, remarks).
    """

    kind: str
    msisdn: str
    amount: int
    reference: str
    created_at: datetime
    shortcode: str
    state: str = "pending"
    receipt: str | None = None
    completed_at: datetime | None = None
    result_code: str | None = None
    result_text: str | None = None
    charge: int = 0
    utility_after: int | None = None
    reversed_by: str | None = None
    reverses: str | None = None
    merchant_request_id: str | None = None
    checkout_request_id: str | None = None
    conversation_id: str | None = None
    originator_conversation_id: str | None = None
    third_party_id: str = ""
    notes: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the payment as ``GET /books`` shows it."""
        return {
            "receipt": self.receipt,
            "kind": self.kind,
            "msisdn": self.msisdn,
            "amount": to_shillings(self.amount),
            "charge": to_shillings(self.charge),
            "state": self.state,
            "reference": self.reference,
            "created_at": self.created_at.isoformat(),
            "completed_at": self.completed_at.isoformat() if self.completed_at else None,
            "result_code": self.result_code,
            "result_text": self.result_text,
            "reverses": self.reverses,
            "reversed_by": self.reversed_by,
            "merchant_request_id": self.merchant_request_id,
            "checkout_request_id": self.checkout_request_id,
            "conversation_id": self.conversation_id,
            "originator_conversation_id": self.originator_conversation_id,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """How M-Pesa ended a payment: Daraja's result code and text."""

    code: str
    text: str

    @property
    def paid(self) -> bool:
        """Whether money moved."""
        return self.code == "0"


PROCESSED = Outcome("0", "The service request is processed successfully.")
INSUFFICIENT = Outcome("1", "The balance is insufficient for the transaction.")
BELOW_MINIMUM = Outcome(
    "2", "Declined due to limit rule: less than the minimum transaction amount."
)
ABOVE_MAXIMUM = Outcome(
    "3", "Declined due to limit rule: greater than the maximum transaction amount."
)
DAILY_LIMIT = Outcome("4", "Declined due to limit rule: would exceed daily transfer limit.")
WALLET_LIMIT = Outcome("8", "Declined due to limit rule: would exceed the maximum balance.")
NOT_REGISTERED = Outcome(
    "2040",
    "Credit Party customer type (Unregistered or Registered Customer) can't be supported by "
    "the service.",
)


class Books:
    """Accounts and payments behind one lock. Every public method is safe from any thread."""

    def __init__(self, clock: Clock, shortcode: str, utility: int) -> None:
        self._lock = threading.RLock()
        self._clock = clock
        self.shortcode = shortcode
        self._start(utility)
        self._at_start = utility

    def _start(self, utility: int) -> None:
        self.opening_utility = utility
        self.utility = utility
        self.working = 0
        self.charges_paid = 0
        self.settlement = 0
        self.safaricom_fees = 0
        self._customers: dict[str, Customer] = {}
        self._payments: list[Payment] = []
        self._by_receipt: dict[str, Payment] = {}
        self._by_conversation: dict[str, Payment] = {}
        self._by_checkout: dict[str, Payment] = {}

    def reset(self) -> None:
        """Forget all customers and payments."""
        with self._lock:
            self._start(self._at_start)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the books still over several calls."""
        with self._lock:
            yield

    def customer(self, msisdn: str) -> Customer:
        """Return the customer with this number (``2547XXXXXXXX``); any number exists."""
        with self._lock:
            if msisdn not in self._customers:
                self._customers[msisdn] = Customer(msisdn)
            return self._customers[msisdn]

    def set_balance(self, msisdn: str, cents: int) -> None:
        """Give a customer this balance, as if it had been there before the first payment."""
        with self._lock:
            customer = self.customer(msisdn)
            customer.opened += cents - customer.balance
            customer.balance = cents

    def set_utility(self, cents: int) -> None:
        """Give the organisation this utility balance, as if deposited at a bank."""
        with self._lock:
            self.opening_utility += cents - self.utility
            self.utility = cents

    def open(self, payment: Payment) -> Payment:
        """Write a payment down before anything moves."""
        with self._lock:
            self._payments.append(payment)
            if payment.checkout_request_id:
                self._by_checkout[payment.checkout_request_id] = payment
            for identifier in (payment.conversation_id, payment.originator_conversation_id):
                if identifier:
                    self._by_conversation[identifier] = payment
            return payment

    def open_once(self, payment: Payment) -> bool:
        """Open a payment unless its OriginatorConversationID was used before; then False."""
        with self._lock:
            if payment.originator_conversation_id in self._by_conversation:
                return False
            self.open(payment)
            return True

    def by_checkout(self, checkout_request_id: str) -> Payment | None:
        """Find an STK payment by its CheckoutRequestID."""
        with self._lock:
            return self._by_checkout.get(checkout_request_id)

    def by_conversation(self, identifier: str) -> Payment | None:
        """Find a payment by ConversationID or OriginatorConversationID."""
        with self._lock:
            return self._by_conversation.get(identifier)

    def by_identifier(self, identifier: str) -> Payment | None:
        """Find a payment by any identifier that Daraja gives to it."""
        return (
            self.by_checkout(identifier)
            or self.by_receipt(identifier)
            or self.by_conversation(identifier)
        )

    def by_receipt(self, receipt: str) -> Payment | None:
        """Find a completed payment by its receipt."""
        with self._lock:
            return self._by_receipt.get(receipt)

    def payments(self) -> list[Payment]:
        """Return all payments in the order they were opened."""
        with self._lock:
            return list(self._payments)

    def fail(self, payment: Payment, outcome: Outcome, state: str = "failed") -> Outcome:
        """End a payment without moving money."""
        with self._lock:
            payment.state = state
            payment.result_code, payment.result_text = outcome.code, outcome.text
            payment.completed_at = self._clock.now()
            return outcome

    def pay_in(self, payment: Payment, receipt: str) -> Outcome:
        """Move a customer's money to Utility (STK or paybill), or say why not."""
        with self._lock:
            customer = self.customer(payment.msisdn)
            if payment.amount > TRANSACTION_MAX:
                return self.fail(payment, ABOVE_MAXIMUM)
            if customer.balance < payment.amount:
                return self.fail(payment, INSUFFICIENT)
            if self._spent_today(payment.msisdn) + payment.amount > DAILY_MAX:
                return self.fail(payment, DAILY_LIMIT)
            customer.balance -= payment.amount
            self.utility += payment.amount
            self._charge(payment, tariffs.paybill(payment.amount))
            return self._complete(payment, receipt)

    def pay_out(self, payment: Payment, receipt: str) -> Outcome:
        """Move money from Utility to a customer (B2C), or say why not."""
        with self._lock:
            customer = self.customer(payment.msisdn)
            if payment.amount < 10_00:
                return self.fail(payment, BELOW_MINIMUM)
            if payment.amount > TRANSACTION_MAX:
                return self.fail(payment, ABOVE_MAXIMUM)
            if not customer.registered:
                return self.fail(payment, NOT_REGISTERED)
            if self.utility < payment.amount:
                return self.fail(payment, INSUFFICIENT)
            if customer.balance + payment.amount > WALLET_MAX:
                return self.fail(payment, WALLET_LIMIT)
            customer.balance += payment.amount
            self.utility -= payment.amount
            self._charge(payment, tariffs.payout(payment.amount))
            return self._complete(payment, receipt)

    def take_back(self, payment: Payment, original: Payment, receipt: str) -> Outcome:
        """Return a payer's money from Utility (reversal), or say why not."""
        with self._lock:
            if original.reversed_by:
                return self.fail(payment, Outcome("R000001", "The transaction has been reversed."))
            if original.kind not in ("stk", "paybill") or payment.amount > original.amount:
                return self.fail(
                    payment, Outcome("R000002", "The OriginalTransactionID is invalid.")
                )
            if self.utility < payment.amount:
                return self.fail(payment, INSUFFICIENT)
            self.customer(original.msisdn).balance += payment.amount
            self.utility -= payment.amount
            original.reversed_by = receipt
            return self._complete(payment, receipt)

    def imbalance(self) -> int:
        """Return the cents by which balances and payments disagree; 0 when all is right."""
        with self._lock:
            held = self.utility + self.working + self.charges_paid + self.settlement
            opened = self.opening_utility
            held += self.safaricom_fees
            expected = {c.msisdn: c.opened for c in self._customers.values()}
            for payment in self._payments:
                if payment.state == "completed":
                    sign = -1 if payment.kind in ("stk", "paybill") else 1
                    expected[payment.msisdn] += sign * payment.amount
                    opened -= sign * payment.amount
            wrong = sum(abs(c.balance - expected[c.msisdn]) for c in self._customers.values())
            return wrong + abs(held - opened)

    def as_json(self) -> dict[str, Any]:
        """Return the books as ``GET /books`` shows them: shillings with two places."""
        with self._lock:
            return {
                "customers": {
                    c.msisdn: {"balance": to_shillings(c.balance), "opened": to_shillings(c.opened)}
                    for c in self._customers.values()
                },
                "organisation": {
                    "shortcode": self.shortcode,
                    "utility": to_shillings(self.utility),
                    "utility_opened": to_shillings(self.opening_utility),
                    "working": to_shillings(self.working),
                    "charges_paid": to_shillings(self.charges_paid),
                    "settlement": to_shillings(self.settlement),
                },
                "imbalance": to_shillings(self.imbalance()),
                "payments": [payment.as_json() for payment in self._payments],
            }

    def _charge(self, payment: Payment, cents: int) -> None:
        payment.charge = cents
        self.charges_paid -= cents
        self.safaricom_fees += cents

    def _complete(self, payment: Payment, receipt: str) -> Outcome:
        payment.state = "completed"
        payment.receipt = receipt
        payment.completed_at = self._clock.now()
        payment.utility_after = self.utility
        payment.result_code, payment.result_text = PROCESSED.code, PROCESSED.text
        self._by_receipt[receipt] = payment
        return PROCESSED

    def _spent_today(self, msisdn: str) -> int:
        midnight = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return sum(
            p.amount
            for p in self._payments
            if p.msisdn == msisdn
            and p.kind in ("stk", "paybill")
            and p.completed_at is not None
            and p.state == "completed"
            and midnight <= p.completed_at < midnight + timedelta(days=1)
        )
