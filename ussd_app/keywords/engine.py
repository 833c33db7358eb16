"""Understands a text: which keyword, with which arguments, and whether it holds a PIN.

Each keyword is one file of this folder that defines ``keyword``.
"""

import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

import ussd_app.keywords
from jobs.services import JobServices
from jobs.texts.catalogue import Brand, Template, fill, shown_values
from ledger.core.context import Context
from ledger.core.people import User
from ledger.core.plans import Message
from ledger.core.refusals import Refusal
from ussd_app import actions
from ussd_app.flow.machine import Done

_WORD = re.compile(r"[\W_]*([^\W\d_]+)[\s:.,;#*=]*(.*)", re.DOTALL)
# A PIN typed alone, in a row of single digits, or after the word.
_PIN_LIKE = re.compile(
    r"(?<![\w@.,+-])\d{4}(?![\w@]|[.,-]\d)"
    r"|(?<!\d)\d(?:[ .\-]\d){3}(?![ .\-]?\d)"
    r"|(?<=pin)\W{0,3}\d{3,8}|(?<=siri)\W{0,3}\d{3,8}",
    re.IGNORECASE,
)
_HIDDEN = "****"
CHANNEL = "sms"


@dataclass(frozen=True, slots=True)
class Call:
    """One text to act on. ``reference`` is the cause's id: the same text acts once."""

    services: JobServices
    user: User
    argument: Any
    reference: str

    @property
    def context(self) -> Context:
        """Return the customer's context over SMS."""
        return Context.of_user(self.user.id, CHANNEL)

    def perform(self, action: str, **values: Any) -> Done | Refusal:
        """Do what a menu would do, keyed by the text's id."""
        call = actions.Call(
            services=self.services,
            msisdn=self.user.msisdn,
            reference=self.reference,
            values={"user_id": self.user.id, **values},
            language=values.get("language", self.user.language),
            channel=CHANNEL,
        )
        return actions.perform(action, call)

    @property
    def brand(self) -> Brand:
        """Return the codes that texts name."""
        return Brand(self.services.settings.ussd_code, self.services.settings.sms_code)


@dataclass(frozen=True, slots=True)
class Answer:
    """Words for the customer: a template of the keyword's own file and its values."""

    template: Template
    params: Mapping[str, object] = field(default_factory=dict)
    language: str | None = None
    """Overrides the customer's language, as after a change of it."""

    def text(self, language: str, brand: Brand) -> str:
        """Return the words in the customer's language."""
        chosen = self.language or language
        values = shown_values(self.template, self.params)
        values |= {"ussd_code": brand.ussd_code, "sms_code": brand.sms_code}
        return fill(self.template.text(chosen), values)


Reply = Answer | Message | Refusal
"""A message already worded elsewhere, such as a receipt, travels as it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Keyword:
    """What a text can ask for. ``read`` returns the argument, or None when it is not understood.

    ``usage`` answers what was not understood. ``run_for_stranger`` acts for a number without a
    wallet; without it such a number is told how to join.
    """

    english: tuple[str, ...]
    kiswahili: tuple[str, ...]
    usage: Template
    run: Callable[[Call], Reply]
    read: Callable[[str], Any | None]
    run_for_stranger: Callable[[JobServices, str], Answer] | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Return every spelling, upper case."""
        return self.english + self.kiswahili


@dataclass(frozen=True, slots=True)
class Understood:
    """What a text says. ``safe_text`` is all of it that may be stored."""

    safe_text: str
    held_pin: bool
    keyword: Keyword | None = None
    argument: Any | None = None
    language: str = "en"


def without_argument(text: str) -> bool | None:
    """Read nothing after a keyword, or a word or two of courtesy; a digit is not understood."""
    return None if re.search(r"\d", text) or len(text) > 40 else True


def without_digit(text: str) -> bool | None:
    """Read whatever follows, as a wish must not fail for its words; digits might be a PIN."""
    return None if re.search(r"\d", text) else True


@cache
def keywords() -> Mapping[str, Keyword]:
    """Return every spelling with its keyword; raise ValueError when two files share one."""
    found: dict[str, Keyword] = {}
    for module in pkgutil.iter_modules(ussd_app.keywords.__path__):
        keyword = getattr(import_module(f"ussd_app.keywords.{module.name}"), "keyword", None)
        if not isinstance(keyword, Keyword):
            continue
        for word in keyword.words:
            if found.setdefault(word, keyword) is not keyword:
                raise ValueError(f"two keywords are spelled {word}")
    return MappingProxyType(found)


def understand(text: str) -> Understood:
    """Return what a cleaned text asks for. Only what was understood keeps its digits."""
    match = _WORD.fullmatch(text)
    word, rest = (match[1].upper(), match[2].strip()) if match else ("", "")
    keyword = keywords().get(word)
    language = "sw" if keyword is not None and word in keyword.kiswahili else "en"
    argument = keyword.read(rest) if keyword is not None else None
    if keyword is not None and argument is not None:
        return Understood(
            text, held_pin=False, keyword=keyword, argument=argument, language=language
        )
    safe_text, hidden = _PIN_LIKE.subn(_HIDDEN, text)
    return Understood(safe_text, held_pin=hidden > 0, keyword=keyword, language=language)
