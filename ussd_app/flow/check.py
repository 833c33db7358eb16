"""The static proof: what can be wrong with the screens is found before any phone sees it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from jobs.texts.fields import Field
from ledger.core.gsm7 import BASIC, septets
from ussd_app.flow.machine import CHOOSE, PIN_FORM, TOO_MANY
from ussd_app.flow.model import (
    AT_HOME,
    CONTINUE,
    LANGUAGES,
    Effect,
    End,
    Entry,
    Flow,
    Language,
    Listing,
    Menu,
    PinEntry,
    Screen,
    Text,
)
from ussd_app.flow.render import SEPTETS_MAX, ScreenTooLongError, fill, names_in, render

_OPTIONS_MAX = 9
"""A tenth option would need two digits and could collide with 98."""


def problems(flow: Flow, effects: frozenset[str], help_lines: tuple[Text, ...]) -> list[str]:
    """Return everything wrong with a flow; empty means proved.

    ``effects`` are the names that can be performed; ``help_lines`` the answers of its parsers.
    """
    found = [
        *_dead_targets(flow),
        *_unreachable(flow),
        *_endless(flow),
        *_effects_unknown(flow, effects),
        *_texts_wrong(flow, help_lines),
        *(
            f"{screen.name}: more than {_OPTIONS_MAX} options"
            for screen in flow.screens.values()
            if isinstance(screen, Menu) and len(screen.options) > _OPTIONS_MAX
        ),
    ]
    # Only a flow without holes can be drawn, and so measured.
    return found or list(_too_long(flow, help_lines))


def effects_of(screen: Screen) -> Iterator[Effect]:
    """Yield the effects that a screen asks for."""
    for effect in (screen.enter, getattr(screen, "submit", None)):
        if isinstance(effect, Effect):
            yield effect


def targets(screen: Screen) -> Iterator[tuple[str, str]]:
    """Yield where a screen leads, each with the words for its arrow."""
    for effect in effects_of(screen):
        for outcome, target in effect.outcomes.items():
            yield target, f"{effect.name}: {outcome}"
    if isinstance(screen, Menu) and screen.submit is None:
        for option in screen.options:
            if option.target not in (AT_HOME, CONTINUE):
                yield option.target, option.text.en
    if isinstance(screen, Entry) and screen.target is not None:
        yield screen.target, screen.field


def _entrances(flow: Flow) -> set[str]:
    aliases = {alias.screen for alias in flow.aliases.values()}
    return {*flow.first.outcomes.values(), *aliases, flow.home, flow.start, flow.resume}


def _dead_targets(flow: Flow) -> Iterator[str]:
    for name in _entrances(flow) - flow.screens.keys():
        yield f"the flow begins at {name}, which does not exist"
    for screen in flow.screens.values():
        for target, words in targets(screen):
            if target not in flow.screens:
                yield f"{screen.name} ({words}) leads to {target}, which does not exist"
        for code in screen.retry:
            if code not in flow.refusals:
                yield f"{screen.name} retries after {code}, which has no text"


def _unreachable(flow: Flow) -> Iterator[str]:
    seen: set[str] = set()
    queue = [name for name in _entrances(flow) if name in flow.screens]
    while queue:
        name = queue.pop()
        if name not in seen:
            seen.add(name)
            queue.extend(t for t, _ in targets(flow.screens[name]) if t in flow.screens)
    yield from (f"{name} can't be reached" for name in sorted(flow.screens.keys() - seen))


def _endless(flow: Flow) -> Iterator[str]:
    """Name the screens from which no session ever ends, except by wrong input."""
    ends = {name for name, screen in flow.screens.items() if isinstance(screen, End)}
    ends |= {screen.name for screen in flow.screens.values() if screen.can_leave}
    ends |= {
        screen.name
        for screen in flow.screens.values()
        if isinstance(screen, Menu)
        and any(option.target in (AT_HOME, CONTINUE) for option in screen.options)
    }
    grown = True
    while grown:
        more = {
            name
            for name, screen in flow.screens.items()
            if name not in ends and any(target in ends for target, _ in targets(screen))
        }
        ends |= more
        grown = bool(more)
    yield from (f"{name} has no way out" for name in sorted(flow.screens.keys() - ends))


def _effects_unknown(flow: Flow, effects: frozenset[str]) -> Iterator[str]:
    asked = {flow.first.name: "the first hop"}
    for screen in flow.screens.values():
        asked |= {effect.name: screen.name for effect in effects_of(screen)}
    for name in sorted(asked.keys() - effects):
        yield f"{asked[name]} asks for the effect {name}, which nobody performs"
    for name in sorted(effects - asked.keys()):
        yield f"the effect {name} is asked for by no screen"


def _all_texts(flow: Flow, help_lines: tuple[Text, ...]) -> Iterator[tuple[str, Text]]:
    for screen in flow.screens.values():
        yield screen.name, screen.text
        if isinstance(screen, Menu):
            yield from ((screen.name, option.text) for option in screen.options)
        if isinstance(screen, Listing):
            yield from ((screen.name, screen.item), (screen.name, screen.empty))
    yield from ((str(code), text) for code, text in flow.refusals.items())
    yield from (("input", line) for line in (*help_lines, CHOOSE, PIN_FORM, TOO_MANY))


def _texts_wrong(flow: Flow, help_lines: tuple[Text, ...]) -> Iterator[str]:
    for where, text in _all_texts(flow, help_lines):
        if names_in(text.en) != names_in(text.sw):
            yield f"{where}: English and Kiswahili name different values"
        for language in LANGUAGES:
            written = text.written(language)
            if not written.strip():
                yield f"{where}: no text in {language}"
            foreign = {c for c in written.replace("{", "").replace("}", "") if c not in BASIC}
            if foreign:
                yield f"{where}: {sorted(foreign)} are not plain GSM-7"
            unknown = names_in(written) - flow.fields.keys()
            if unknown:
                yield f"{where}: {sorted(unknown)} are not described"


def _too_long(flow: Flow, help_lines: tuple[Text, ...]) -> Iterator[str]:
    worst = _Worst(flow)
    for language in LANGUAGES:
        for code, text in flow.refusals.items():
            length = septets(worst.fill(text, language))
            if length is None or length > SEPTETS_MAX:
                yield f"refusal {code} in {language}: {length} septets"
        for screen in flow.screens.values():
            for notice in _notices(flow, screen, language, worst, help_lines):
                try:
                    render(worst.flow, screen, language, worst.values, notice=notice)
                except ScreenTooLongError as error:
                    yield f"{error} (after: {notice or 'nothing'})"


def _notices(
    flow: Flow, screen: Screen, language: Language, worst: "_Worst", help_lines: tuple[Text, ...]
) -> Iterator[str]:
    """Yield every line that can stand above a screen, and none at all."""
    yield ""
    yield from (worst.fill(flow.refusals[code], language) for code in screen.retry)
    if isinstance(screen, Entry):
        yield from (line.written(language) for line in help_lines)
    elif isinstance(screen, PinEntry):
        yield PIN_FORM.written(language)
    elif not isinstance(screen, End):
        yield CHOOSE.written(language)


class _Worst:
    """A flow whose every value shows its longest form."""

    def __init__(self, flow: Flow) -> None:
        self.values: dict[str, Any] = {name: field.worst for name, field in flow.fields.items()}
        self.values["items"] = [dict(self.values)] * 5
        self.flow = replace(
            flow, fields={name: Field(field.worst, str) for name, field in flow.fields.items()}
        )

    def fill(self, text: Text, language: Language) -> str:
        return fill(text.written(language), self.values, self.flow.fields)
