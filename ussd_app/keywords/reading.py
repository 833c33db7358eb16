"""Reads what people type after a keyword: amounts, numbers, months, addresses. Pure.

Tolerant of how people write, strict about what it means: what can be read in two ways is
not understood.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from ledger.core.money import AmountProblem, parse_amount
from ledger.core.msisdn import parse_msisdn

TEXT_LENGTH_MAX = 1000
"""What is kept of a text; no command comes near."""

_CURRENCY_BEFORE = re.compile(r"^(?:k(?:sh|es)s?|sh|bob)\b\.?\s*|^(?:k(?:sh|es))(?=[0-9])", re.I)
_CURRENCY_AFTER = re.compile(r"\s*(?:/[=-]|ksh|kes|bob|sh)\.?\s*$", re.I)
_GROUPED = re.compile(r"[0-9]{1,3}(?:[, ][0-9]{3})+(\.[0-9]{1,2})?", re.ASCII)
_FILLERS = frozenset({"to", "kwa", "kwenda", "please", "pls", "tafadhali"})
_EMAIL = re.compile(
    r"[a-z0-9._%+-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,24}", re.I | re.ASCII
)
_EMAIL_LENGTH_MAX = 120
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "january", "januari"),
            ("feb", "february", "februari"),
            ("mar", "march", "machi"),
            ("apr", "april", "aprili"),
            ("may", "mei"),
            ("jun", "june", "juni"),
            ("jul", "july", "julai"),
            ("aug", "august", "ago", "agosti"),
            ("sep", "sept", "september", "septemba"),
            ("oct", "october", "okt", "oktoba"),
            ("nov", "november", "novemba"),
            ("dec", "december", "des", "desemba"),
        ),
        start=1,
    )
    for name in names
}


@dataclass(frozen=True, slots=True)
class SendOrder:
    """Cents to a number in the stored form."""

    amount: int
    msisdn: str


def clean(text: str) -> str:
    """Return a text in one line of printable characters; ``@`` that arrived as ``¡`` is mended."""
    normal = unicodedata.normalize("NFKC", text[: 4 * TEXT_LENGTH_MAX])
    # Categories C*: controls, formats, surrogates and what is not assigned.
    kept = "".join(
        " " if unicodedata.category(character)[0] in "CZ" else character for character in normal
    )
    mended = re.sub(r"(?<=\S)\u00a1(?=\S)", "@", kept)
    return " ".join(mended.split())[:TEXT_LENGTH_MAX]


def read_amount(text: str, *, whole_shillings: bool) -> int | AmountProblem:
    """Read ``500``, ``Ksh 1,000/-`` or ``1 000.50`` as cents."""
    bare = " ".join(word for word in text.split() if word.lower() not in _FILLERS)
    bare = _CURRENCY_AFTER.sub("", _CURRENCY_BEFORE.sub("", bare.strip(" .:")))
    if _GROUPED.fullmatch(bare):
        bare = re.sub(r"[, ]", "", bare)
    return parse_amount(bare, whole_shillings=whole_shillings)


def read_send_order(text: str) -> SendOrder | None:
    """Read an amount and a number in either order: ``200 0712345678``, ``Ksh 200 to +254 712..``.

    None when they can't be told apart for certain.
    """
    words = [word for word in text.split() if word.lower() not in _FILLERS]
    if not 2 <= len(words) <= 12:
        return None
    orders: set[SendOrder] = set()
    for cut in range(1, len(words)):
        left, right = " ".join(words[:cut]), " ".join(words[cut:])
        for amount_text, number_text in ((left, right), (right, left)):
            msisdn = parse_msisdn(number_text)
            amount = read_amount(amount_text, whole_shillings=False)
            if msisdn is not None and isinstance(amount, int):
                orders.add(SendOrder(amount, msisdn))
    return orders.pop() if len(orders) == 1 else None


def read_month(text: str, today: date) -> date | None:
    """Read ``OCT``, ``10``, ``2026-10`` or ``10/2026`` as the first day of a month up to this one.

    Nothing means this month; a month without a year is the latest one that has begun.
    """
    words = re.findall(r"[0-9]+|[a-z]+", text.lower(), re.ASCII)
    if not words:
        return today.replace(day=1) if not text.strip() else None
    years = [int(word) for word in words if len(word) == 4 and word.isdigit()]
    others = [word for word in words if not (len(word) == 4 and word.isdigit())]
    if len(words) > 2 or len(years) > 1 or len(others) != 1:
        return None
    month = _month_number(others[0])
    if month is None:
        return None
    year = years[0] if years else today.year - (month > today.month)
    if not 2000 <= year <= today.year or (year == today.year and month > today.month):
        return None
    return date(year, month, 1)


def _month_number(word: str) -> int | None:
    if word.isdigit():
        return int(word) if len(word) <= 2 and 1 <= int(word) <= 12 else None
    return _MONTHS.get(word)


def read_email(text: str) -> str | None:
    """Return an e-mail address in lower case, or None when the text is none."""
    address = text.strip(" .,;:<>()").lower()
    if len(address) > _EMAIL_LENGTH_MAX or ".." in address:
        return None
    return address if _EMAIL.fullmatch(address) else None
