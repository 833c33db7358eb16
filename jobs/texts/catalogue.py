"""Finds every template of this folder and renders it in one language.

In a text, ``{name}`` stands for a field. A part in square brackets is left out when a field in
it has no value: ``[ New balance is {balance}.]``.
"""

import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType

import jobs.texts
from jobs.texts.fields import SHORTCODE, USSD_CODE, Field

LANGUAGES = ("en", "sw")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Brand:
    """What every text may name without being told: the codes that customers dial and text."""

    ussd_code: str
    sms_code: str


BRAND_FIELDS: Mapping[str, Field] = MappingProxyType(
    {"ussd_code": USSD_CODE, "sms_code": SHORTCODE}
)


@dataclass(frozen=True, slots=True)
class Template:
    """One message in both languages. ``fields`` names what its cause must put into ``params``.

    ``answer`` marks the answer to a customer's own text, which goes out even after STOP.
    """

    name: str
    en: str
    sw: str
    fields: Mapping[str, Field]
    answer: bool = False

    def text(self, language: str) -> str:
        """Return the unfilled text; an unknown language gets English."""
        return self.sw if language == "sw" else self.en


class UnrenderableError(Exception):
    """No such template, or a value that it needs is missing or of the wrong type."""


@cache
def templates() -> Mapping[str, Template]:
    """Return all templates by name; raise ValueError when two files use the same name."""
    found: dict[str, Template] = {}
    for module in pkgutil.iter_modules(jobs.texts.__path__):
        for value in vars(import_module(f"jobs.texts.{module.name}")).values():
            if not isinstance(value, Template):
                continue
            if found.setdefault(value.name, value) is not value:
                raise ValueError(f"two templates are called {value.name}")
    return MappingProxyType(found)


def render(name: str, language: str, params: Mapping[str, object], brand: Brand) -> str:
    """Return the message to send; raise UnrenderableError when it can't be made."""
    template = templates().get(name)
    if template is None:
        raise UnrenderableError(f"no template {name}")
    values = shown_values(template, params)
    values |= {"ussd_code": brand.ussd_code, "sms_code": brand.sms_code}
    return fill(template.text(language), values)


def shown_values(template: Template, params: Mapping[str, object]) -> dict[str, str]:
    """Return each field that has a value as readers see it."""
    try:
        return {
            name: field.show(params[name])
            for name, field in template.fields.items()
            if params.get(name) is not None
        }
    except (TypeError, ValueError) as error:
        raise UnrenderableError(f"{template.name}: {error}") from None


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values into a text, leaving out optional parts without all of theirs."""

    def optional(match: re.Match[str]) -> str:
        names = _PLACEHOLDER.findall(match[1])
        return match[1] if all(name in values for name in names) else ""

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise UnrenderableError(f"{match[1]} has no value")
        return values[match[1]]

    return _PLACEHOLDER.sub(value, _OPTIONAL.sub(optional, text))


def longest(template: Template, language: str) -> str:
    """Return a text with the longest value everywhere, for the static check."""
    fields = {**template.fields, **BRAND_FIELDS}
    return fill(template.text(language), {name: field.worst for name, field in fields.items()})


def names_in(text: str) -> set[str]:
    """Return the fields that a text uses."""
    return set(_PLACEHOLDER.findall(text))
