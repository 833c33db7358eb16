"""Kenyan mobile numbers (MSISDNs): one stored form, ``+254`` and nine digits."""

import hashlib
import re
from functools import lru_cache

import phonenumbers

_SEPARATORS = re.compile(r"[ \-().]")
_LENGTH_MAX = 24


def parse_msisdn(text: str) -> str | None:
    """Return the number as ``+254XXXXXXXXX``, or None when it is not a Kenyan mobile number.

    Takes the spellings people use: ``07..``, ``01..``, ``7..``, ``254..``, ``+254..``,
    ``00254..``, ``2540..``, with spaces or dashes. Operators' prefixes come from
    ``phonenumbers``: they change too often to be written here.
    """
    if len(text) > _LENGTH_MAX or not text.isascii():
        return None
    digits = _SEPARATORS.sub("", text)
    if digits.startswith("00254"):
        digits = "+" + digits[2:]
    if not re.fullmatch(r"\+?[0-9]{9,13}", digits):
        return None
    try:
        number = phonenumbers.parse(digits, "KE")
    except phonenumbers.NumberParseException:
        return None
    if number.country_code != 254 or not phonenumbers.is_valid_number(number):
        return None
    if phonenumbers.number_type(number) != phonenumbers.PhoneNumberType.MOBILE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=10_000)
def is_stored_form(text: str) -> bool:
    """Tell whether a text already is a valid number in the stored form."""
    return text.startswith("+254") and parse_msisdn(text) == text


def local_form(msisdn: str) -> str:
    """Show a stored number as Kenyans dial it: ``0712345678``."""
    return "0" + msisdn.removeprefix("+254")


def daraja_form(msisdn: str) -> str:
    """Return the twelve digits Daraja wants: ``254712345678``."""
    return msisdn.removeprefix("+")


def mask_msisdn(msisdn: str) -> str:
    """Hide the middle of a stored number the way M-Pesa does: ``0712***678``."""
    local = local_form(msisdn)
    return f"{local[:4]}***{local[-3:]}"


def daraja_hash(msisdn: str) -> str:
    """Return the SHA-256 hex by which C2B version 1 names a payer (Daraja 1.12)."""
    return hashlib.sha256(daraja_form(msisdn).encode("ascii")).hexdigest()
