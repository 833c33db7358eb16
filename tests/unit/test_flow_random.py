"""Random hops on the pure machine: always an answer that fits the phone, a PIN never kept."""

import os
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.core.gsm7 import septets
from ledger.core.refusals import Refusal, RefusalCode
from ussd_app.flow import machine
from ussd_app.flow.machine import Ask, Broken, Done, Reply
from ussd_app.flow.model import Effect, Flow, PinEntry
from ussd_app.flow.render import SEPTETS_MAX
from ussd_app.flow.state import State
from ussd_app.screens import flow

HOPS = int(os.environ.get("RANDOM_HOPS", "15000"))
PIN = "4826"
LONGEST: dict[str, Any] = {
    "first_name": "W" * 20,
    "name": "W" * 40,
    "masked": "0712***678",
    "amount": 500_000_00,
    "fee": 999_99,
    "total": 500_000_00,
    "balance": 500_000_00,
    "maximum": 500_000_00,
    "minimum": 500_000_00,
    "left": 500_000_00,
    "transfer_left": 500_000_00,
    "withdrawal_left": 500_000_00,
    "number": "+254712345678",
    "receipt": "W" * 10,
    "ticket": "WWWWWWW",
    "email": "w" * 60,
    "support": "0712345678",
    "shortcode": "384299",
    "tries_left": 2,
    "until": datetime(2026, 12, 31, 20, 59, tzinfo=UTC).isoformat(),
    "request_id": 7,
    "prepared": "text",
}
TYPED = (
    *[str(number) for number in range(10)],
    *("00", "98", "", "*", "x*y", "99", "0712345678", "+254712345678", "254 712 345 678"),
    *("500", "10.50", "1e3", "-5", "٣", "9" * 400, "Asha", "O'Brien", "W" * 20, "😀", "WW WW"),
    *("7KQ2MRX9TB", "123456", "1234", "\x00", "  ", "[]{}~^|\\€", "000", "í", "\u2028"),
)


def performed(chance: random.Random, journey: Flow, state: State, ask: Ask) -> Done | Refusal:
    """Any outcome that the screens foresee, or any refusal at all, with the longest values."""
    if chance.random() < 0.15:
        return Refusal(chance.choice(list(RefusalCode)), LONGEST)
    outcomes = list(effect_of(journey, state, ask).outcomes) or [machine.STAY]
    values = {
        **LONGEST,
        "language": state.language,
        "items": [{**LONGEST, "day": LONGEST["until"], "sign": "+"}] * chance.randint(0, 5),
    }
    if ask.effect == journey.first.name:
        values["language"] = chance.choice(["en", "sw"])
        values["user_id"] = 1
    return Done(values, chance.choice(outcomes))


def effect_of(journey: Flow, state: State, ask: Ask) -> Effect:
    screen = journey.screens.get(state.screen)
    candidates = [journey.first, getattr(screen, "enter", None), getattr(screen, "submit", None)]
    return next(found for found in candidates if found is not None and found.name == ask.effect)


def hop(chance: random.Random, journey: Flow, state: State | None) -> tuple[State, Reply]:
    if state is None:
        tokens = tuple(chance.choices(TYPED, k=chance.choice([0, 0, 1, 2, 3])))
        broken = Broken("s", 3, last_state) if (last_state := LAST.get("state")) else None
        step = machine.begin(journey, tokens, broken if chance.random() < 0.3 else None)
    else:
        asks_pin = isinstance(journey.screens[state.screen], PinEntry)
        typed = PIN if asks_pin and chance.random() < 0.5 else chance.choice(TYPED)
        step = machine.answer(journey, state, typed)
    while isinstance(step[1], Ask):
        assert step[1].pin is None or PIN not in repr(step[1])
        step = machine.resume(journey, step[0], performed(chance, journey, step[0], step[1]))
    reply = step[1]
    assert isinstance(reply, Reply)
    return step[0], reply


LAST: dict[str, State] = {}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [20261123])
def test_any_phone_gets_an_answer_that_fits(seed: int) -> None:
    chance = random.Random(seed)
    journey = flow()
    seen: set[str] = set()
    state: State | None = None
    for _ in range(HOPS):
        state, reply = hop(chance, journey, state)
        length = septets(reply.text)
        assert length is not None, reply
        assert 0 < length <= SEPTETS_MAX, reply
        assert PIN not in state.to_json()
        assert State.from_json(state.to_json()) == state
        seen.add(reply.screen)
        if not reply.is_open or chance.random() < 0.05:
            LAST["state"] = state
            state = None

    # Random thumbs seldom get to the depths; the transcripts go to each of them on purpose.
    assert len(seen & set(journey.screens)) >= len(journey.screens) // 2
