"""Random hops on the pure machine: always an answer that fits the phone, a PIN never kept."""

import os
import random
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from ledger.core.gsm7 import septets
from ledger.core.refusals import Refusal, RefusalCode
from ussd_app.flow import machine
from ussd_app.flow.machine import Ask, Broken, Done, Reply
from ussd_app.flow.model import Accepted, Effect, End, Entry, Flow, Menu, PinEntry, Screen
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


def outcomes_of(journey: Flow, step: machine.Step) -> Iterator[tuple[State, Reply]]:
    """Every reply that can follow a step: each effect ends in each of its outcomes."""
    state, what = step
    if isinstance(what, Reply):
        yield state, what
        return
    for outcome in [*effect_of(journey, state, what).outcomes, machine.STAY]:
        if outcome == machine.STAY and what.effect == journey.first.name:
            continue
        done = Done({**LONGEST, "language": state.language, "user_id": 1}, outcome)
        yield from outcomes_of(journey, machine.resume(journey, state, done))


def understood(screen: Screen) -> list[str]:
    """What a thumb types to get on from a screen."""
    if isinstance(screen, PinEntry):
        return [PIN]
    if isinstance(screen, Menu):
        return [str(number) for number in range(1, len(screen.options) + 1)]
    if isinstance(screen, Entry):
        return [typed for typed in TYPED if isinstance(screen.parse(typed), Accepted)]
    return []


@cache
def walk() -> Mapping[str, State]:
    """Go everywhere on purpose: every screen that play can reach, with a state that shows it."""
    journey = flow()
    cut_off = State(screen="send_amount", values={"user_id": 1}, back=("send_to",))
    found: dict[str, State] = {}
    begun = [machine.begin(journey), machine.begin(journey, broken=Broken("s", 3, cut_off))]
    ahead = deque(pair for step in begun for pair in outcomes_of(journey, step))
    while ahead:
        state, reply = ahead.popleft()
        screen = journey.screens.get(reply.screen)
        if screen is None or reply.screen in found:
            continue
        found[reply.screen] = state
        for typed in understood(screen):
            ahead.extend(outcomes_of(journey, machine.answer(journey, state, typed)))
    return found


def test_a_walk_on_purpose_gets_to_every_screen() -> None:
    assert set(walk()) == set(flow().screens)


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
    # Random thumbs seldom get to the depths by themselves: half of them set out from there.
    depths = [state for name, state in walk().items() if not isinstance(journey.screens[name], End)]
    tried: set[str] = set()
    state: State | None = None
    for _ in range(HOPS):
        if state is None and chance.random() < 0.5:
            state = chance.choice(depths)
        if state is not None:
            tried.add(state.screen)
        state, reply = hop(chance, journey, state)
        length = septets(reply.text)
        assert length is not None, reply
        assert 0 < length <= SEPTETS_MAX, reply
        assert PIN not in state.to_json()
        assert State.from_json(state.to_json()) == state
        if not reply.is_open or chance.random() < 0.05:
            LAST["state"] = state
            state = None

    assert tried == {state.screen for state in depths}
