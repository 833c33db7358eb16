"""Amounts in the stand-in's books: integer cents, shown as decimal shillings."""

import re
from decimal import Decimal, InvalidOperation

_DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,2})?")


def to_cents(value: object) -> int | None:
    """Return cents for shillings given as text or JSON number, or None when it is neither."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    text = str(value).strip()
    if not _DECIMAL.fullmatch(text):
        return None
    try:
        return int(Decimal(text) * 100)
    except InvalidOperation:
        return None


def to_shillings(cents: int) -> str:
    """Return cents as shillings with two places: ``"1500.00"``."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"
