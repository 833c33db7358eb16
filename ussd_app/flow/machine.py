"""The machine: state and input in; new state, and a reply or an effect to perform, out.

It does no I/O. Whoever drives it performs each ``Ask`` and hands the result to ``resume``
until a ``Reply`` comes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ledger.core.refusals import Refusal
from ussd_app.flow.model import (
    AT_HOME,
    BACK,
    CONTINUE,
    HOME,
    MORE,
    WRONG_INPUTS_MAX,
    Effect,
    End,
    Entry,
    Flow,
    Listing,
    Menu,
    PinEntry,
    Screen,
    Text,
    language_of,
)
from ussd_app.flow.render import fill, render
from ussd_app.flow.state import State

STAY = "stay"
_FOR_FIRST = ("broken", "dialled_on")
"""Values that only the first effect is told."""

CHOOSE = Text(en="Choose one of the numbers.", sw="Chagua moja ya nambari.")
PIN_FORM = Text(en="The PIN is 4 digits.", sw="PIN ni tarakimu 4.")
TOO_MANY = Text(
    en="That did not work three times. Nothing was done. Please dial again.",
    sw="Imeshindikana mara tatu. Hakuna kilichofanyika. Tafadhali piga tena.",
)


@dataclass(frozen=True, slots=True)
class Pin:
    """A PIN on its way to an effect. Its text form hides it, and nothing serialises it."""

    _digits: str = field(repr=False)

    def reveal(self) -> str:
        """Return the digits, for the one place that hashes them."""
        return self._digits


@dataclass(frozen=True, slots=True)
class Reply:
    """What the phone shows. ``is_open`` waits for an answer (CON), else the session ends (END)."""

    text: str
    is_open: bool
    screen: str


@dataclass(frozen=True, slots=True)
class Ask:
    """An effect to perform for the state that comes with it."""

    effect: str
    pin: Pin | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """An effect was performed: values to keep and the outcome that chooses what comes next."""

    values: Mapping[str, Any] = field(default_factory=dict)
    outcome: str = STAY


Step = tuple[State, Reply | Ask]


@dataclass(frozen=True, slots=True)
class Broken:
    """A session of the same phone that broke off: its state, and its hop without an answer."""

    session: str
    position: int
    state: State


def begin(flow: Flow, tokens: tuple[str, ...] = (), broken: Broken | None = None) -> Step:
    """Open a session; tokens come from a long dial string such as ``*384*2929*2*500#``.

    What ``broken`` had confirmed is looked up first; where it stood is offered again.
    """
    state = State(waiting=flow.first.name, tokens=tokens)
    if tokens:
        state = state.with_values(dialled_on=True)
    if broken is not None:
        earlier = broken.state
        if earlier.screen == flow.resume and earlier.earlier:
            earlier = State.from_json(earlier.earlier)
        found = (broken.session, broken.position)
        state = replace(
            state.with_values(broken=found), earlier=earlier.to_json(), language=earlier.language
        )
    return state, Ask(flow.first.name)


def answer(flow: Flow, state: State, typed: str) -> Step:
    """Take what was typed on the current screen."""
    screen = flow.screens[state.screen]
    typed = typed.strip()
    if typed == MORE and isinstance(screen, Listing):
        return _show(flow, replace(state, page=state.page + 1, wrong=0), screen)
    if screen.can_leave and typed == HOME:
        return arrive(flow, state.at_home(_home(flow, state)), _home(flow, state))
    if screen.can_leave and typed == BACK:
        return _go_back(flow, state)
    match screen:
        case Menu():
            return _choose(flow, state, screen, typed)
        case Entry():
            parsed = screen.parse(typed)
            if isinstance(parsed, Text):
                return _wrong(flow, state, screen, parsed.written(state.language))
            kept = replace(state.with_values(**{screen.field: parsed.value}), wrong=0)
            return _submit(flow, kept, screen, screen.submit, screen.target)
        case PinEntry():
            if len(typed) != 4 or not (typed.isascii() and typed.isdigit()):
                return _wrong(flow, state, screen, PIN_FORM.written(state.language))
            waiting = replace(state, waiting=screen.submit.name, entering=False)
            return waiting, Ask(screen.submit.name, Pin(typed))
        case _:
            return _wrong(flow, state, screen, CHOOSE.written(state.language))


def resume(flow: Flow, state: State, result: Done | Refusal) -> Step:
    """Go on after an effect: to the screen of its outcome, or to what a refusal means."""
    screen = flow.screens.get(state.screen)
    effect = _waiting_effect(flow, state, screen)
    kept = {name: value for name, value in state.values.items() if name not in _FOR_FIRST}
    state = replace(state, waiting="", values=kept)
    if isinstance(result, Refusal):
        return _refused(flow, state, screen, result)
    values = dict(result.values)
    language = language_of(values.pop("language", state.language))
    state = replace(state.with_values(**values), language=language, wrong=0)
    if result.outcome == STAY and screen is not None:
        return _show(flow, state, screen)
    target = effect.outcomes[result.outcome]
    if screen is None:
        target, state = _or_offer(flow, state, target)
    elif state.entering:
        # Never shown, so nobody goes back to it.
        state = replace(state, screen="")
    return arrive(flow, state, target)


def _or_offer(flow: Flow, state: State, target: str) -> tuple[str, State]:
    """Return the offer to go on instead of the beginning, when there is something to go on with."""
    if state.earlier and not state.tokens and target in (flow.home, flow.start):
        earlier = State.from_json(state.earlier)
        same = earlier.values.get("user_id") == state.values.get("user_id")
        if same and offer_resume(flow, earlier) is not None:
            return flow.resume, state
    return target, replace(state, earlier="")


def arrive(flow: Flow, state: State, name: str) -> Step:
    """Go to a screen; its ``enter`` effect runs before it is shown."""
    screen = flow.screens[name]
    back = state.back
    ends = isinstance(screen, End) and screen.enter is None
    if state.screen and state.screen != name and not ends:
        back = () if name == flow.home else (*back, state.screen)
    state = replace(state, screen=name, back=back, page=0)
    if screen.enter is not None:
        return replace(state, waiting=screen.enter.name, entering=True), Ask(screen.enter.name)
    return _show(flow, state, screen)


def offer_resume(flow: Flow, state: State) -> str | None:
    """Return the screen where a redial may go on: never a PIN, a confirmation or an end."""
    for name in (state.screen, *reversed(state.back)):
        screen = flow.screens.get(name)
        if screen is not None and screen.can_resume and name not in (flow.home, flow.start):
            return name
    return None


def _go_on(flow: Flow, state: State) -> Step:
    """Take up the session that broke off, where a redial may."""
    earlier = State.from_json(state.earlier)
    name = offer_resume(flow, earlier)
    assert name is not None
    way = earlier.back
    if name != earlier.screen:
        way = way[: len(way) - 1 - way[::-1].index(name)]
    values = {key: value for key, value in earlier.values.items() if key != "pin_hash"}
    before = State(language=earlier.language, values=values, back=way)
    return arrive(flow, before, name)


def _show(flow: Flow, state: State, screen: Screen, notice: str = "") -> Step:
    if state.tokens:
        return _dial_through(flow, state, screen)
    text, pages = render(flow, screen, state.language, state.values, page=state.page, notice=notice)
    state = replace(state, page=min(state.page, pages - 1), waiting="", entering=False)
    return state, Reply(text, not isinstance(screen, End), screen.name)


def _dial_through(flow: Flow, state: State, screen: Screen) -> Step:
    """Use up dialled tokens: an alias at home, then answers to entries; never a PIN."""
    token = state.tokens[0]
    rest = replace(state, tokens=state.tokens[1:])
    if screen.name == flow.home and token in flow.aliases:
        return arrive(flow, rest, flow.aliases[token].screen)
    if isinstance(screen, Entry):
        return answer(flow, rest, token)
    return _show(flow, replace(state, tokens=()), screen)


def _home(flow: Flow, state: State) -> str:
    return flow.home if "user_id" in state.values else flow.start


def _choose(flow: Flow, state: State, screen: Menu, typed: str) -> Step:
    if not (typed.isascii() and typed.isdigit() and 1 <= int(typed[:3]) <= len(screen.options)):
        return _wrong(flow, state, screen, CHOOSE.written(state.language))
    if typed != str(int(typed[:3])):
        return _wrong(flow, state, screen, CHOOSE.written(state.language))
    option = screen.options[int(typed) - 1]
    if option.target == CONTINUE:
        return _go_on(flow, state)
    if option.target == AT_HOME:
        return arrive(flow, state.at_home(_home(flow, state)), _home(flow, state))
    values = dict(option.sets)
    language = language_of(values.pop("language", state.language))
    kept = replace(state.with_values(**values), wrong=0, language=language)
    return _submit(flow, kept, screen, screen.submit, option.target)


def _submit(
    flow: Flow, state: State, screen: Screen, effect: Effect | None, target: str | None
) -> Step:
    if effect is not None:
        return replace(state, waiting=effect.name, entering=False), Ask(effect.name)
    assert target is not None
    return arrive(flow, state, target)


def _go_back(flow: Flow, state: State) -> Step:
    home = _home(flow, state)
    previous = state.back[-1] if state.back else home
    if previous == home:
        return arrive(flow, state.at_home(home), home)
    before = replace(state, screen="", back=state.back[:-1], wrong=0, page=0)
    return arrive(flow, before, previous)


def _wrong(flow: Flow, state: State, screen: Screen, line: str) -> Step:
    state = replace(state, wrong=state.wrong + 1, tokens=())
    if state.wrong >= WRONG_INPUTS_MAX:
        return _ended(state, TOO_MANY.written(state.language))
    return _show(flow, state, screen, notice=line)


def _refused(flow: Flow, state: State, screen: Screen | None, refusal: Refusal) -> Step:
    text = flow.refusals[refusal.code].written(state.language)
    line = fill(text, {**state.values, **refusal.details}, flow.fields)
    if screen is not None and refusal.code in screen.retry:
        return _wrong(flow, state, screen, line)
    return _ended(state, line)


def _ended(state: State, text: str) -> Step:
    return replace(state, waiting="", tokens=()), Reply(text, is_open=False, screen="refused")


def _waiting_effect(flow: Flow, state: State, screen: Screen | None) -> Effect:
    if screen is None:
        return flow.first
    if state.entering:
        assert screen.enter is not None
        return screen.enter
    submit = getattr(screen, "submit", None)
    assert isinstance(submit, Effect)
    return submit
