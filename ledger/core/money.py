"""Amounts in Kenyan cents: parsing what people type and showing it back.

An amount is an ``int`` of cents everywhere. No float ever touches one.
"""

import re
from enum import StrEnum

CENTS_PER_SHILLING = 100
AMOUNT_CENTS_MAX = 1_000_000_000_000_00
"""The bound on any single posting (a trillion shillings); the database checks the same number."""

_TEXT_LENGTH_MAX = 20
_AMOUNT = re.compile(r"(?P<shillings>[0-9]{1,12})(?:\.(?P<cents>[0-9]{1,2}))?", re.ASCII)


class AmountProblem(StrEnum):
    """Why a text is not an amount that can be moved."""

    NOT_A_NUMBER = "not_a_number"
    NOT_POSITIVE = "not_positive"
    NOT_WHOLE_SHILLINGS = "not_whole_shillings"


def parse_amount(text: str, *, whole_shillings: bool = False) -> int | AmountProblem:
    """Read an amount typed by a person and return cents, or say what is wrong.

    Accepts ASCII digits with at most one dot and two decimal places; signs, exponents,
    separators and other scripts' digits are refused. M-Pesa moves whole shillings only
    (Daraja 1.1), so towards it pass ``whole_shillings=True``.
    """
    if len(text) > _TEXT_LENGTH_MAX:
        return AmountProblem.NOT_A_NUMBER
    match = _AMOUNT.fullmatch(text.strip(" "))
    if match is None:
        return AmountProblem.NOT_A_NUMBER
    cents = int(match["shillings"]) * CENTS_PER_SHILLING + int(
        (match["cents"] or "0").ljust(2, "0")
    )
    if cents <= 0:
        return AmountProblem.NOT_POSITIVE
    if whole_shillings and cents % CENTS_PER_SHILLING:
        return AmountProblem.NOT_WHOLE_SHILLINGS
    return cents


def decimal_text(cents: int) -> str:
    """Show cents as a plain decimal for machines: ``-1000.00``."""
    sign = "-" if cents < 0 else ""
    shillings, rest = divmod(abs(cents), CENTS_PER_SHILLING)
    return f"{sign}{shillings}.{rest:02d}"


def grouped_text(cents: int) -> str:
    """Show cents with thousands separators: ``1,000.00``."""
    sign = "-" if cents < 0 else ""
    shillings, rest = divmod(abs(cents), CENTS_PER_SHILLING)
    return f"{sign}{shillings:,}.{rest:02d}"


def ksh(cents: int) -> str:
    """Show cents as M-Pesa's messages do: ``Ksh1,000.00``."""
    return f"Ksh{grouped_text(cents)}"


def kes(cents: int) -> str:
    """Show cents as documents do: ``KES 1,000.00``."""
    return f"KES {grouped_text(cents)}"


def share_half_up(cents: int, rate_basis_points: int) -> int:
    """Return ``rate_basis_points`` / 10,000 of an amount, rounded half up to the cent, once."""
    return (cents * rate_basis_points + 5_000) // 10_000
