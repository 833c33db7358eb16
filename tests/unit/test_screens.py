"""The static proof over the real screens, and that the proof can fail."""

from dataclasses import replace

import pytest

from ussd_app import actions
from ussd_app.flow.check import problems
from ussd_app.flow.inputs import HELP_LINES
from ussd_app.flow.model import Effect, Entry, Flow, Menu, Notice, Option, Text
from ussd_app.screens import flow


def _problems(changed: Flow) -> list[str]:
    return problems(changed, actions.names(), HELP_LINES)


def _with(*screens: object) -> Flow:
    real = flow()
    added = {screen.name: screen for screen in screens}  # type: ignore[attr-defined]
    return replace(real, screens={**real.screens, **added})  # type: ignore[dict-item]


def test_the_screens_are_proved() -> None:
    assert _problems(flow()) == []


@pytest.mark.parametrize(
    ("screen", "words"),
    [
        (Notice(name="odd", text=Text("x", "x")), "can't be reached"),
        (
            Menu(name="main", text=Text("x", "x"), options=(Option(Text("x", "x"), "nowhere"),)),
            "which does not exist",
        ),
        (
            Menu(
                name="main",
                text=Text("x", "x"),
                options=(Option(Text("x", "x"), "main"),),
                can_leave=False,
            ),
            "no way out",
        ),
        (Notice(name="balance", text=Text("x" * 150, "x")), "septets"),
        (Notice(name="help", text=Text("x", "x{name}")), "different values"),
        (Notice(name="help", text=Text("{nobody}", "{nobody}")), "not described"),
        (Notice(name="help", text=Text("x", "\u201cx\u201d")), "not plain GSM-7"),
        (Notice(name="help", text=Text("x", " ")), "no text in sw"),
        (Notice(name="help", text=Text("x", "x"), enter=Effect("magic")), "nobody performs"),
        (Notice(name="help", text=Text("x", "x"), retry=("no_code",)), "has no text"),
        (
            Menu(name="help", text=Text("x", "x"), options=(Option(Text("x", "x"), "main"),) * 10),
            "more than 9 options",
        ),
    ],
)
def test_the_proof_finds_what_is_wrong(screen: object, words: str) -> None:
    assert any(words in problem for problem in _problems(_with(screen)))


def test_each_entry_and_pin_screen_keeps_its_place_for_the_longest_line_of_help() -> None:
    long_line = Text(en="x" * 130, sw="x" * 130)
    found = problems(flow(), actions.names(), (long_line,))
    entries = [screen.name for screen in flow().screens.values() if isinstance(screen, Entry)]
    assert entries
    assert all(any(problem.startswith(name) for problem in found) for name in entries)
