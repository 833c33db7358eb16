"""What a drill does: who moves what, and what goes wrong. All of it follows from the seed."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from standin.faults import PLACES

MOVE_WEIGHTS: Mapping[str, int] = MappingProxyType(
    {"send": 40, "paybill": 22, "withdraw": 16, "deposit": 22}
)
_ANSWERS = ("pay",) * 14 + ("cancel", "ignore", "wrong_pin", "pay_late")
_UNKNOWN_ACCOUNT = "NOBODY"
_BY_SMS = 0.4


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that a person does; ``amount`` in shillings.

    ``answer`` is what a deposit's prompt gets; ``to`` is a phone, or an account number.
    ``by_sms`` asks for a deposit with a keyword instead of the menu.
    """

    kind: str
    person: str
    amount: int
    to: str = ""
    answer: str = ""
    by_sms: bool = False


def people(count: int) -> list[str]:
    """Return the phones of the people, in Daraja's form."""
    return [f"2547220{number:05d}" for number in range(count)]


def moves(seed: int, phones: list[str], count: int) -> list[Move]:
    """Return what the people do, in order."""
    draw = random.Random(f"moves {seed}")  # noqa: S311  # repeatable, not secret
    kinds, weights = list(MOVE_WEIGHTS), list(MOVE_WEIGHTS.values())
    found = []
    for _ in range(count):
        kind = draw.choices(kinds, weights)[0]
        person = draw.choice(phones)
        other = draw.choice([phone for phone in phones if phone != person])
        amount = draw.randrange(10, 400)
        if kind == "paybill":
            account = _UNKNOWN_ACCOUNT if draw.random() < 0.04 else "0" + other[3:]
            found.append(Move(kind, person, amount, to=account))
        elif kind == "deposit":
            answer, by_sms = draw.choice(_ANSWERS), draw.random() < _BY_SMS
            found.append(Move(kind, person, amount, answer=answer, by_sms=by_sms))
        else:
            found.append(Move(kind, person, amount, to="0" + other[3:]))
    return found


_FORMS: Mapping[str, tuple[object, ...]] = MappingProxyType(
    {
        "query_style": ("4999", "classic"),
        "queue_timeout_body": ("echo", "envelope", "empty"),
        "stk_twin": (False, True),
        "gateway_originator": (False, True),
        "c2b_msisdn": ("plain", "hash", "masked"),
        "amount_form": ("decimal", "int", "float", "string"),
        "code_form": ("int", "string"),
        "balance_item": ("without_value", "with_value", "absent"),
        "reference_form": ("object", "list", "without_value"),
        "receiver_form": ("msisdn", "local"),
        "spaced_keys": (False, True),
        "pull_offset": ("row", "page"),
    }
)


def forms(seed: int) -> dict[str, object]:
    """Return how M-Pesa writes things in this run, where its texts and captures disagree."""
    draw = random.Random(f"forms {seed}")  # noqa: S311  # repeatable, not secret
    return {switch: draw.choice(values) for switch, values in _FORMS.items()}


# How often a place is visited for each move, as seen in runs without faults and with them.
_VISITS: Mapping[str, float] = MappingProxyType(
    {
        "stk.sync": 0.13,
        "stk.callback": 0.08,
        "stk.query": 0.03,
        "b2c.sync": 0.15,
        "b2c.result": 0.15,
        "status.sync": 0.03,
        "status.result": 0.02,
        "c2b.confirm": 0.2,
        "c2b.validate": 0.2,
        "at.ussd": 5.0,
        "at.report": 1.5,
        "at.sms": 0.09,
        "smtp": 0.2,
    }
)
_ONCE = ("oauth", "pull.query", "at.send")
"""Where one fault stops much: each kind comes once there."""
# A number that Africa's Talking or its network refuses gets no SMS: nothing is tried again.
_LEFT_OUT = frozenset({("at.send", "refuse"), ("at.report", "refuse")})
_SECONDS: Mapping[str, float] = MappingProxyType({"slow": 1.0, "late": 3.0, "early": 1.0})
_TIMES = 4
_RATE_MAX = 0.06


def fault_rules(seed: int, moves_count: int) -> dict[str, Any]:
    """Return the document for ``PUT /faults``: every kind at every place that a drill visits.

    Rates follow from the number of moves: in a long run each kind comes about four times at
    each place, in a short one a twentieth of all visits meets it at most.
    """
    draw = random.Random(f"faults {seed}")  # noqa: S311  # repeatable, not secret
    rules: list[dict[str, Any]] = []
    for place, visits in _VISITS.items():
        rate = round(min(_RATE_MAX, _TIMES / (visits * moves_count)), 6)
        for kind in _kinds_at(place, draw):
            rules.append(_rule(place, kind) | {"rate": rate, "times": 2 * _TIMES})
    for place in _ONCE:
        for kind in _kinds_at(place, draw):
            rules.append(_rule(place, kind) | {"rate": 0.2, "times": 1})
    return {"seed": seed, "rules": rules}


def _kinds_at(place: str, draw: random.Random) -> list[str]:
    kinds = sorted(kind for kind in PLACES[place] if (place, kind) not in _LEFT_OUT)
    draw.shuffle(kinds)
    return kinds


def _rule(place: str, kind: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"at": place, "do": kind}
    if kind in _SECONDS:
        rule["seconds"] = _SECONDS[kind]
    return rule


@dataclass(frozen=True, slots=True)
class Kill:
    """A process to kill: its name, seconds to wait before, and seconds that it stays dead."""

    name: str
    after: float
    dead_for: float


def kills(seed: int, count: int) -> list[Kill]:
    """Return who is killed when; each of the three comes up again and again."""
    draw = random.Random(f"kills {seed}")  # noqa: S311  # repeatable, not secret
    names = ["worker", "web", "redis"]
    found = []
    for number in range(count):
        if number % len(names) == 0:
            draw.shuffle(names)
        found.append(Kill(names[number % len(names)], draw.uniform(4, 9), draw.uniform(0.2, 1.5)))
    return found


def never_fired(
    rules: Mapping[str, Any], fired: Mapping[str, Mapping[str, int]]
) -> dict[str, list[str]]:
    """Return the kinds that were planned and never came, by place."""
    missed: dict[str, list[str]] = {}
    for rule in rules["rules"]:
        if not fired.get(rule["at"], {}).get(rule["do"]):
            missed.setdefault(rule["at"], []).append(rule["do"])
    return {place: sorted(kinds) for place, kinds in sorted(missed.items())}


def count_by_kind(fired: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Return how often each kind of fault fired, over all places."""
    total: Counter[str] = Counter()
    for kinds in fired.values():
        total.update(kinds)
    return dict(sorted(total.items()))
