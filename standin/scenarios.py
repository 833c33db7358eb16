"""Scripted answers: what M-Pesa decides for a payment, by phone, by amount, or for the next N.

A rule is ``{"flow": "stk" | "b2c" | "reversal" | "status", "answer": name or
{"code", "text"}}`` with optional ``msisdn``, ``amount`` and ``times``. The first that matches
wins; a rule for ``stk`` answers the prompt without a customer.
"""

import threading
from dataclasses import dataclass
from typing import Any

from standin.books import (
    ABOVE_MAXIMUM,
    BELOW_MINIMUM,
    DAILY_LIMIT,
    INSUFFICIENT,
    NOT_REGISTERED,
    PROCESSED,
    WALLET_LIMIT,
    Outcome,
)
from standin.money import to_cents, to_shillings

CANCELLED = Outcome("1032", "Request cancelled by user")
UNREACHABLE = Outcome("1037", "DS timeout user cannot be reached")
INITIATOR_INVALID = Outcome("2001", "The initiator information is invalid.")
CREDENTIAL_LOCKED = Outcome("8006", "The security credential is locked.")
LOCKED_SUBSCRIBER = Outcome(
    "1001", "Unable to lock subscriber, a transaction is already in process"
)
RULE_LIMITED = Outcome("17", "Rule limited.")
NOT_PERMITTED = Outcome("2028", "The request is not permitted according to product assignment.")
EXPIRED = Outcome("1019", "Transaction has expired")
_COMMON = {
    "insufficient": INSUFFICIENT,
    "below_minimum": BELOW_MINIMUM,
    "above_maximum": ABOVE_MAXIMUM,
    "daily_limit": DAILY_LIMIT,
    "wallet_limit": WALLET_LIMIT,
    "locked": CREDENTIAL_LOCKED,
    "busy": Outcome("26", "System busy"),
    "not_permitted": NOT_PERMITTED,
    "no_operator": Outcome("SFC_IC0003", "The operator does not exist."),
}
_INITIATED = {
    "initiator_invalid": INITIATOR_INVALID,
    "initiator_not_allowed": Outcome(
        "21", "The initiator is not allowed to initiate this request."
    ),
    "account_invalid": Outcome("11", "The DebitParty is in an invalid state."),
}
ANSWERS: dict[str, dict[str, Outcome]] = {
    "stk": {
        **_COMMON,
        "pay": PROCESSED,
        "cancel": CANCELLED,
        "ignore": UNREACHABLE,
        "expire": EXPIRED,
        "wrong_pin": INITIATOR_INVALID,
        "rule_limited": RULE_LIMITED,
        "lock_subscriber": LOCKED_SUBSCRIBER,
        "push_error": Outcome("1025", "An error occurred while sending a push request."),
        "push_error_9999": Outcome("9999", "An error occurred while sending a push request."),
    },
    "b2c": {**_COMMON, **_INITIATED, "pay": PROCESSED, "unregistered": NOT_REGISTERED},
    "reversal": {
        **_COMMON,
        **_INITIATED,
        "done": PROCESSED,
        "already": Outcome("R000001", "The transaction has been reversed."),
        "invalid": Outcome("R000002", "The OriginalTransactionID is invalid."),
    },
    "status": {
        **_INITIATED,
        "found": PROCESSED,
        "not_found": Outcome("25", "The format of parameter null is invalid."),
        "no_operator": Outcome("SFC_IC0003", "The operator does not exist."),
    },
}


class BadScenarioError(ValueError):
    """A scripted answer that can't be played; the text says which and why."""


@dataclass(slots=True)
class _Rule:
    flow: str
    answer: Outcome
    msisdn: str | None
    amount: int | None
    times: int | None
    used: int = 0

    def matches(self, flow: str, msisdn: str, amount: int | None) -> bool:
        return (
            self.flow == flow
            and self.msisdn in (None, msisdn)
            and self.amount in (None, amount)
            and (self.times is None or self.used < self.times)
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "flow": self.flow,
            "answer": {"code": self.answer.code, "text": self.answer.text},
            "msisdn": self.msisdn,
            "amount": None if self.amount is None else to_shillings(self.amount),
            "times": self.times,
            "used": self.used,
        }


class Scenarios:
    """The scripted answers in force. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []

    def load(self, document: object) -> None:
        """Replace all rules. Raises BadScenarioError and then changes nothing."""
        if not isinstance(document, dict) or not isinstance(document.get("rules"), list):
            raise BadScenarioError('expected {"rules": [...]}')
        rules = [_parse(number, rule) for number, rule in enumerate(document["rules"])]
        with self._lock:
            self._rules = rules

    def clear(self) -> None:
        """Let customers and books decide again."""
        with self._lock:
            self._rules = []

    def answer(self, flow: str, msisdn: str = "", amount: int | None = None) -> Outcome | None:
        """Return the scripted outcome for this payment, using up one turn, or None."""
        with self._lock:
            for rule in self._rules:
                if rule.matches(flow, msisdn, amount):
                    rule.used += 1
                    return rule.answer
        return None

    def as_json(self) -> dict[str, Any]:
        """Return the rules with how often each was used."""
        with self._lock:
            return {"rules": [rule.as_json() for rule in self._rules]}


def _parse(number: int, rule: object) -> _Rule:
    if not isinstance(rule, dict) or rule.get("flow") not in ANSWERS:
        raise BadScenarioError(f"rule {number}: flow must be one of {', '.join(ANSWERS)}")
    unknown = sorted(rule.keys() - {"flow", "answer", "msisdn", "amount", "times"})
    if unknown:
        raise BadScenarioError(f"rule {number}: unknown field {', '.join(unknown)}")
    answer, amount, times = rule.get("answer"), rule.get("amount"), rule.get("times")
    if isinstance(answer, dict) and isinstance(answer.get("code"), str):
        outcome = Outcome(answer["code"], str(answer.get("text", "")))
    elif isinstance(answer, str) and answer in ANSWERS[rule["flow"]]:
        outcome = ANSWERS[rule["flow"]][answer]
    else:
        known = ", ".join(ANSWERS[rule["flow"]])
        raise BadScenarioError(f"rule {number}: unknown answer; known: {known}")
    cents = None if amount is None else to_cents(amount)
    if amount is not None and cents is None:
        raise BadScenarioError(f"rule {number}: amount must be in shillings")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
        raise BadScenarioError(f"rule {number}: times must be a whole number from 1")
    return _Rule(rule["flow"], outcome, rule.get("msisdn"), cents, times)
