"""Fault rules: what goes wrong, where, how often, and with which seed.

A rule is ``{"at": place, "do": kind}`` with ``times`` (a count) or ``rate`` (0 to 1), and
optionally ``msisdn`` and ``amount`` to aim it, ``seconds``, ``copies`` and further parameters
of its kind. The first rule that fires at a place wins.

Random choices depend on the seed, the rule and how often this subject (a phone number) came
by, not on the order in which threads arrive: so one seed repeats one run's faults.
"""

import hashlib
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from standin.money import to_cents, to_shillings

_SYNC = frozenset(
    {
        "refuse",
        "error500",
        "html503",
        "soap409",
        "empty",
        "spike",
        "quota",
        "slow",
        "lose_reply",
        "drop",
    }
)
_MONEY_SYNC = _SYNC | {"expired_token", "string_types"}
_CALLBACK = frozenset(
    {
        "drop",
        "duplicate",
        "parallel_duplicate",
        "late",
        "reorder",
        "tamper_amount",
        "wrong_token",
        "string_types",
    }
)
_RESULT = _CALLBACK | {
    "early",
    "no_metadata",
    "unknown_ids",
    "timeout_then_result",
    "timeout_only",
}

PLACES: Mapping[str, frozenset[str]] = {
    "oauth": _SYNC | {"string_types"},
    "stk.sync": _MONEY_SYNC,
    "stk.callback": _CALLBACK | {"early", "no_metadata", "unknown_ids", "timeout_then_result"},
    "stk.query": _MONEY_SYNC | {"hiccup"},
    "b2c.sync": _MONEY_SYNC,
    "b2c.result": _RESULT,
    "status.sync": _MONEY_SYNC,
    "status.result": _RESULT,
    "balance.sync": _MONEY_SYNC,
    "balance.result": _RESULT - {"tamper_amount"},
    "reversal.sync": _MONEY_SYNC,
    "reversal.result": _RESULT,
    "c2b.register": _MONEY_SYNC,
    "c2b.simulate": _MONEY_SYNC,
    "c2b.validate": frozenset({"drop", "duplicate", "parallel_duplicate", "late"}),
    "c2b.confirm": _CALLBACK,
    "pull.register": _MONEY_SYNC,
    "pull.query": _MONEY_SYNC,
    "at.send": _SYNC - {"soap409", "quota", "spike"},
    "at.report": frozenset(
        {"drop", "duplicate", "parallel_duplicate", "early", "late", "reorder", "refuse"}
    ),
    "at.ussd": frozenset({"drop", "duplicate", "parallel_duplicate", "slow", "lose_reply", "late"}),
    "at.sms": frozenset(
        {"drop", "duplicate", "parallel_duplicate", "late", "reorder", "lose_reply"}
    ),
    "smtp": frozenset({"refuse", "error500", "slow", "drop", "lose_reply"}),
}
"""The kinds of fault that make sense at each place."""

_RULE_FIELDS = frozenset({"at", "do", "times", "rate", "msisdn", "amount"})
_PARAMETERS = frozenset({"seconds", "copies", "processed", "status", "code", "text", "body"})


class BadRuleError(ValueError):
    """A rule that can't be played; the text names the rule's number and the reason."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to play now: its kind and the parameters of its rule."""

    kind: str
    parameters: Mapping[str, Any]

    @property
    def seconds(self) -> float | None:
        """How long it lasts, when the rule says so."""
        value = self.parameters.get("seconds")
        return None if value is None else float(value)

    @property
    def copies(self) -> int:
        """How many deliveries a duplicate makes in all."""
        return int(self.parameters.get("copies", 2))

    @property
    def processed(self) -> bool:
        """Whether the call takes effect although its answer is an error."""
        return bool(self.parameters.get("processed", False))


@dataclass(slots=True)
class _Rule:
    number: int
    at: str
    do: str
    times: int | None
    rate: float | None
    msisdn: str | None
    amount: int | None
    parameters: dict[str, Any]
    fired: int = 0
    seen: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"at": self.at, "do": self.do, **self.parameters}
        if self.times is not None:
            shown["times"] = self.times
        if self.rate is not None:
            shown["rate"] = self.rate
        if self.msisdn is not None:
            shown["msisdn"] = self.msisdn
        if self.amount is not None:
            shown["amount"] = to_shillings(self.amount)
        return {**shown, "fired": self.fired}


class Faults:
    """The rules in force and the tally of what they did. Thread-safe."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._seed = seed
        self._rules: list[_Rule] = []
        self._fired: Counter[tuple[str, str]] = Counter()

    def load(self, document: object) -> None:
        """Replace all rules and clear the tally. Raises BadRuleError and then changes nothing."""
        if not isinstance(document, dict) or not isinstance(document.get("rules"), list):
            raise BadRuleError('expected {"seed": number, "rules": [...]}')
        seed = document.get("seed", self._seed)
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise BadRuleError("seed must be a whole number")
        rules = [_parse_rule(number, rule) for number, rule in enumerate(document["rules"])]
        with self._lock:
            self._seed = seed
            self._rules = rules
            self._fired.clear()

    def clear(self) -> None:
        """Stop all faults; the tally stays readable."""
        with self._lock:
            self._rules = []

    def pick(
        self,
        place: str,
        *,
        msisdn: str = "",
        amount: int | None = None,
        only: frozenset[str] | None = None,
        without: frozenset[str] = frozenset(),
    ) -> Fault | None:
        """Return the fault to play at this place for this subject, or None.

        ``amount`` is in cents. ``only`` and ``without`` narrow the kinds, for places where one
        kind must be decided earlier than the others.
        """
        with self._lock:
            for rule in self._rules:
                if rule.at != place or rule.do in without:
                    continue
                if only is not None and rule.do not in only:
                    continue
                if self._fires(rule, msisdn, amount):
                    rule.fired += 1
                    self._fired[place, rule.do] += 1
                    return Fault(rule.do, rule.parameters)
        return None

    def as_json(self) -> dict[str, Any]:
        """Return seed, rules with their counts, and the tally by place and kind."""
        with self._lock:
            tally: dict[str, dict[str, int]] = {}
            for (place, kind), count in sorted(self._fired.items()):
                tally.setdefault(place, {})[kind] = count
            return {
                "seed": self._seed,
                "rules": [rule.as_json() for rule in self._rules],
                "fired": tally,
            }

    def _fires(self, rule: _Rule, msisdn: str, amount: int | None) -> bool:
        if rule.msisdn is not None and rule.msisdn != msisdn:
            return False
        if rule.amount is not None and rule.amount != amount:
            return False
        if rule.times is not None and rule.fired >= rule.times:
            return False
        if rule.rate is None:
            return True
        turn = rule.seen[msisdn]
        rule.seen[msisdn] += 1
        return _chance(self._seed, rule.number, rule.at, msisdn, turn) < rule.rate


def _chance(*parts: object) -> float:
    """Return a number in [0, 1) that depends on nothing but the parts."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def _parse_rule(number: int, rule: object) -> _Rule:
    if not isinstance(rule, dict):
        raise BadRuleError(f"rule {number}: expected an object")
    at, do = str(rule.get("at")), str(rule.get("do"))
    if at not in PLACES:
        raise BadRuleError(f"rule {number}: unknown place {at!r}; known: {', '.join(PLACES)}")
    if do not in PLACES[at]:
        allowed = ", ".join(sorted(PLACES[at]))
        raise BadRuleError(f"rule {number}: {do!r} makes no sense at {at}; allowed: {allowed}")
    times, rate = rule.get("times"), rule.get("rate")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
        raise BadRuleError(f"rule {number}: times must be a whole number from 1")
    if rate is not None and (isinstance(rate, bool) or not isinstance(rate, int | float)):
        raise BadRuleError(f"rule {number}: rate must be a number from 0 to 1")
    if rate is not None and not 0 <= rate <= 1:
        raise BadRuleError(f"rule {number}: rate must be a number from 0 to 1")
    amount = None
    if rule.get("amount") is not None:
        amount = to_cents(rule["amount"])
        if amount is None:
            raise BadRuleError(f"rule {number}: amount must be in shillings")
    parameters = {k: v for k, v in rule.items() if k not in _RULE_FIELDS}
    _check_parameters(number, parameters)
    return _Rule(number, at, do, times, rate, rule.get("msisdn"), amount, parameters)


def _check_parameters(number: int, parameters: dict[str, Any]) -> None:
    unknown = sorted(parameters.keys() - _PARAMETERS)
    if unknown:
        raise BadRuleError(f"rule {number}: unknown parameter {', '.join(unknown)}")
    for name in ("seconds", "copies"):
        value = parameters.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise BadRuleError(f"rule {number}: {name} must be a number from 0")
