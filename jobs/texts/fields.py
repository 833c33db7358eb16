"""What may stand in a message: how each kind of value is shown, and its longest form.

The longest forms are what the static check measures every text with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ledger.core.gsm7 import to_gsm7
from ledger.core.money import ksh
from ledger.core.msisdn import local_form

NAIROBI = ZoneInfo("Africa/Nairobi")
_NAME_LENGTH = 20


@dataclass(frozen=True, slots=True)
class Field:
    """A kind of value. ``show`` takes what stands in the outbox: whole cents, or text."""

    worst: str
    show: Callable[[object], str]


def show_money(value: object) -> str:
    """Show cents as ``Ksh1,000.00``."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("money is whole cents")
    return ksh(value)


def show_moment(value: object) -> str:
    """Show an ISO 8601 moment as M-Pesa does, in Nairobi: ``23/11/26 9:05 PM``."""
    moment = datetime.fromisoformat(str(value)).astimezone(NAIROBI)
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"
    return f"{moment.day}/{moment.month}/{moment:%y} {hour}:{moment:%M} {half}"


def show_day(value: object) -> str:
    """Show an ISO 8601 day: ``23/11/26``."""
    day = date.fromisoformat(str(value))
    return f"{day.day}/{day.month}/{day:%y}"


def show_name(value: object) -> str:
    """Show two names in at most 20 characters; a long last name becomes its initial."""
    name = " ".join(to_gsm7(str(value)).split())
    if len(name) <= _NAME_LENGTH:
        return name
    first, _, last = name.partition(" ")
    return f"{first[: _NAME_LENGTH - 2]} {last[:1]}".strip()


def _text(length_max: int) -> Field:
    return Field("W" * length_max, lambda value: to_gsm7(str(value))[:length_max])


MONEY = Field("Ksh999,999.99", show_money)
FEE = Field("Ksh999.99", show_money)
MOMENT = Field("23/12/26 12:59 PM", show_moment)
NAME = Field("W" * _NAME_LENGTH, show_name)
DAY = Field("23/12/26", show_day)
MASKED_EMAIL = _text(40)
MSISDN = Field("0712345678", lambda value: local_form(str(value)))
MASKED_MSISDN = Field("0712***678", str)
RECEIPT = Field("W" * 10, str)
MPESA_RECEIPT = Field("W" * 10, str)
USSD_CODE = Field("*384*29290#", str)
SHORTCODE = Field("384299", str)
COUNT = Field("999", str)
START_PIN_DIGITS = Field("0000", str)
TICKET = Field("W" * 7, str)
TICKET_ANSWER = _text(120)
ONE_TIME_CODE = Field("000000", str)
EMAIL = _text(60)
WHOLE_SMS = _text(160)
