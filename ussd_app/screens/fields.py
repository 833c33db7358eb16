"""Every value that a screen may name, with the longest form that it can take."""

from datetime import datetime
from types import MappingProxyType

from jobs.texts.fields import COUNT, MONEY, NAME, RECEIPT, Field, show_money
from ledger.core.gsm7 import to_gsm7
from ledger.core.msisdn import local_form
from ledger.core.rules import NAIROBI

WALLET_MONEY = Field("Ksh500,000.00", show_money)


def _clock(value: object) -> str:
    moment = datetime.fromisoformat(str(value)).astimezone(NAIROBI)
    hour = moment.hour % 12 or 12
    return f"{hour}:{moment:%M} {'AM' if moment.hour < 12 else 'PM'}"


def _day(value: object) -> str:
    moment = datetime.fromisoformat(str(value)).astimezone(NAIROBI)
    return f"{moment.day}/{moment.month}/{moment:%y}"


def _short(length_max: int) -> Field:
    return Field("W" * length_max, lambda value: to_gsm7(str(value))[:length_max])


FIELDS = MappingProxyType(
    {
        "amount": WALLET_MONEY,
        "balance": WALLET_MONEY,
        "fee": MONEY,
        "total": WALLET_MONEY,
        "minimum": WALLET_MONEY,
        "maximum": WALLET_MONEY,
        "left": WALLET_MONEY,
        "transfer_left": WALLET_MONEY,
        "withdrawal_left": WALLET_MONEY,
        "name": NAME,
        "first_name": _short(20),
        "masked": Field("0712***678", str),
        "number": Field("0712345678", lambda value: local_form(str(value))),
        "receipt": RECEIPT,
        "tries_left": Field("2", str),
        "count": COUNT,
        "until": Field("12:59 PM", _clock),
        "day": Field("31/12/26", _day),
        "sign": Field("+", str),
        "email": Field("w" * 24, lambda value: to_gsm7(str(value))[:24]),
        "ticket": _short(10),
        "outcome": _short(110),
        "support": Field("0712345678", str),
        "shortcode": Field("384299", str),
    }
)
