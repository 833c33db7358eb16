"""Screens as text for a feature phone: one language, one alphabet, 156 septets."""

import re
from collections.abc import Mapping
from typing import Any

from jobs.texts.fields import Field
from ledger.core.gsm7 import septets, to_gsm7
from ussd_app.flow.model import End, Flow, Language, Listing, Menu, Screen, Text

SEPTETS_MAX = 156
"""160 of a Safaricom screen less the four of ``CON `` (Africa's Talking facts 1.3)."""

NAVIGATION = Text(en="0 Back 00 Home", sw="0 Rudi 00 Mwanzo")
MORE_LINE = Text(en="98 More", sw="98 Zaidi")

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class ScreenTooLongError(Exception):
    """A page holds more than a phone shows; the static check must make this impossible."""


def fill(text: str, values: Mapping[str, Any], fields: Mapping[str, Field]) -> str:
    """Put values into a text as each field shows them; raise KeyError for one that is missing."""
    return _PLACEHOLDER.sub(lambda match: fields[match[1]].show(values[match[1]]), text)


def names_in(text: str) -> set[str]:
    """Return the values that a text names."""
    return set(_PLACEHOLDER.findall(text))


def render(
    flow: Flow,
    screen: Screen,
    language: Language,
    values: Mapping[str, Any],
    *,
    page: int = 0,
    notice: str = "",
) -> tuple[str, int]:
    """Return one page of a screen without its CON or END, and how many pages there are.

    ``notice`` is one line on top about the last input. Raises ScreenTooLongError.
    """
    head = fill(screen.text.written(language), values, flow.fields)
    if notice:
        head = f"{notice}\n{head}"
    if isinstance(screen, Listing):
        pages = _listing_pages(flow, screen, language, values, head)
    else:
        pages = [_page(head, _body(screen, language), _footer(screen, language))]
    text = to_gsm7(pages[min(page, len(pages) - 1)])
    length = septets(text)
    if length is None or length > SEPTETS_MAX:
        raise ScreenTooLongError(f"{screen.name} in {language}: {length} septets")
    return text, len(pages)


def _body(screen: Screen, language: Language) -> list[str]:
    if not isinstance(screen, Menu):
        return []
    return [
        f"{number} {option.text.written(language)}"
        for number, option in enumerate(screen.options, start=1)
    ]


def _footer(screen: Screen, language: Language, *, more: bool = False) -> list[str]:
    lines = [MORE_LINE.written(language)] if more else []
    if screen.can_leave and not isinstance(screen, End):
        lines.append(NAVIGATION.written(language))
    return [" ".join(lines)] if lines else []


def _page(head: str, body: list[str], footer: list[str]) -> str:
    return "\n".join(line for line in (head, *body, *footer) if line)


def _listing_pages(
    flow: Flow, screen: Listing, language: Language, values: Mapping[str, Any], head: str
) -> list[str]:
    items = values.get("items") or []
    if not items:
        return [_page(head, [screen.empty.written(language)], _footer(screen, language))]
    lines = [fill(screen.item.written(language), item, flow.fields) for item in items]
    pages: list[list[str]] = [[]]
    for line in lines:
        candidate = _page(head, [*pages[-1], line], _footer(screen, language, more=True))
        if pages[-1] and (septets(to_gsm7(candidate)) or SEPTETS_MAX + 1) > SEPTETS_MAX:
            pages.append([])
        pages[-1].append(line)
    last = len(pages) - 1
    return [
        _page(head, body, _footer(screen, language, more=number < last))
        for number, body in enumerate(pages)
    ]
