"""Readers of what people type: each gives a value to keep, or one line of help."""

import re

from ledger.core.gsm7 import to_gsm7
from ledger.core.money import AmountProblem, parse_amount
from ledger.core.msisdn import parse_msisdn
from ussd_app.flow.model import Accepted, Text

_NAME = re.compile(r"[^\W\d_]+(?:[ '\-][^\W\d_]+)*")
_RECEIPT = re.compile(r"[A-Z0-9]{10}")

_AMOUNT_HELP = Text(en="Type an amount such as 500.", sw="Andika kiasi kama 500.")
_WHOLE_HELP = Text(
    en="M-PESA moves whole shillings. Type an amount such as 500.",
    sw="M-PESA hutumia shilingi kamili. Andika kiasi kama 500.",
)
_NAME_HELP = Text(en="Type one name, letters only.", sw="Andika jina moja, herufi tu.")
_NUMBER_HELP = Text(
    en="Type a Kenyan number such as 0712345678.", sw="Andika nambari kama 0712345678."
)
_DIGITS_HELP = Text(en="The code is 6 digits.", sw="Nambari ni tarakimu 6.")
_RECEIPT_HELP = Text(en="A receipt has 10 characters.", sw="Risiti ina herufi 10.")

HELP_LINES = (
    _AMOUNT_HELP,
    _WHOLE_HELP,
    _NAME_HELP,
    _NUMBER_HELP,
    _DIGITS_HELP,
    _RECEIPT_HELP,
)
"""Every line that a reader may answer, for the static check."""


def amount(typed: str) -> Accepted | Text:
    """Read shillings and cents, for movements between wallets."""
    cents = parse_amount(typed)
    return _AMOUNT_HELP if isinstance(cents, AmountProblem) else Accepted(cents)


def amount_or_nought(typed: str) -> Accepted | Text:
    """Read shillings and cents; noughts alone stand for nothing."""
    return Accepted(0) if typed.strip("0.") == "" and typed else amount(typed)


def whole_amount(typed: str) -> Accepted | Text:
    """Read whole shillings, for movements to and from M-Pesa."""
    cents = parse_amount(typed, whole_shillings=True)
    if cents is AmountProblem.NOT_WHOLE_SHILLINGS:
        return _WHOLE_HELP
    return _AMOUNT_HELP if isinstance(cents, AmountProblem) else Accepted(cents)


def name(typed: str) -> Accepted | Text:
    """Read one name of 2 to 20 letters that a GSM phone can show."""
    words = " ".join(typed.split())
    if not _NAME.fullmatch(words) or not 2 <= len(to_gsm7(words)) <= 20:
        return _NAME_HELP
    return Accepted(words.title() if words.islower() or words.isupper() else words)


def phone(typed: str) -> Accepted | Text:
    """Read a Kenyan number in any spelling; the value is in the stored form."""
    msisdn = parse_msisdn(typed)
    return _NUMBER_HELP if msisdn is None else Accepted(msisdn)


def six_digits(typed: str) -> Accepted | Text:
    """Read a one-time code."""
    digits = typed.replace(" ", "")
    return Accepted(digits) if re.fullmatch(r"[0-9]{6}", digits, re.ASCII) else _DIGITS_HELP


def receipt(typed: str) -> Accepted | Text:
    """Read a receipt of ours or of M-Pesa."""
    reference = typed.replace(" ", "").upper()
    return Accepted(reference) if _RECEIPT.fullmatch(reference) else _RECEIPT_HELP
