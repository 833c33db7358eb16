"""What a journey is made of: screens as data, effects as names, texts in two languages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from jobs.texts.fields import Field

Language = Literal["en", "sw"]
LANGUAGES: tuple[Language, ...] = ("en", "sw")


def language_of(word: str) -> Language:
    """Return a known language for a word; anything else is English."""
    return "sw" if word == "sw" else "en"


BACK, HOME, MORE = "0", "00", "98"
CONTINUE, AT_HOME = "(where it broke off)", "(home)"
"""Targets that are no screens: go on with an earlier session, or to the main menu."""
WRONG_INPUTS_MAX = 3


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages; ``{name}`` stands for a value that ``FIELDS`` describes."""

    en: str
    sw: str

    def written(self, language: Language) -> str:
        """Return the text of one language, unfilled."""
        return self.sw if language == "sw" else self.en


@dataclass(frozen=True, slots=True)
class Effect:
    """Something to do outside: its name in ``ussd_app.actions`` and where each outcome leads.

    The outcome ``stay`` shows the screen that asked, and needs no target.
    """

    name: str
    outcomes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """An input that was understood: the value to keep."""

    value: int | str


Parser = Callable[[str], Accepted | Text]
"""Reads what was typed; a Text is one line of help about what was wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Common to all screens.

    ``enter`` runs before the screen is shown. ``retry`` names the refusals after which the
    screen is shown again with the refusal as a line on top; any other refusal ends.
    ``can_leave`` offers back and home; ``can_resume`` lets a redial continue here.
    """

    name: str
    text: Text
    enter: Effect | None = None
    retry: tuple[str, ...] = ()
    can_leave: bool = True
    can_resume: bool = True


@dataclass(frozen=True, slots=True)
class Option:
    """A line of a menu, numbered by its place. ``sets`` are values kept when it is chosen."""

    text: Text
    target: str
    sets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu(Screen):
    """A choice by number. ``submit`` runs after the choice, else the option's target is shown."""

    options: tuple[Option, ...]
    submit: Effect | None = None
    can_resume: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Screen):
    """Something to type. It is kept as ``field``; then ``submit`` runs or ``target`` is shown."""

    field: str
    parse: Parser
    target: str | None = None
    submit: Effect | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PinEntry(Screen):
    """A PIN to type: handed to ``submit`` and never kept. Never resumed, never dialled through."""

    submit: Effect
    can_resume: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Screen):
    """Lines of ``items`` (a list in the values, loaded by ``enter``), paged by their length.

    ``empty`` is shown instead when there are none.
    """

    item: Text
    empty: Text
    can_resume: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Screen):
    """Something to read, from which one goes back or home."""

    can_resume: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class End(Screen):
    """The last screen of a session."""

    can_leave: bool = False
    can_resume: bool = False


@dataclass(frozen=True, slots=True)
class Alias:
    """A dial-through shortcut: the screen it opens; later tokens answer entries, never a PIN."""

    screen: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Flow:
    """All screens by name, with the texts of refusals and the frozen shortcuts.

    ``fields`` describes every value that a text may name; ``first`` asks who is dialling.
    ``home`` is a customer's main menu, ``start`` where anybody else begins; ``resume`` offers
    to go on with a session that broke off.
    """

    screens: Mapping[str, Screen]
    refusals: Mapping[str, Text]
    fields: Mapping[str, Field]
    aliases: Mapping[str, Alias]
    first: Effect
    home: str
    start: str
    resume: str
