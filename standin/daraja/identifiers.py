"""Identifiers shaped as Safaricom shapes them (Daraja 1.1)."""

import itertools
import secrets
import string
from datetime import datetime

_ALPHABET = string.ascii_uppercase + string.digits
_DAYS = "123456789ABCDEFGHIJKLMNOPQRSTUV"
_TAILS = len(_ALPHABET) ** 4
# Starts anywhere, so that a stand-in started again on the same day repeats no receipt.
_counter = itertools.count(secrets.randbelow(_TAILS))


def date_prefix(moment: datetime) -> str:
    """Return the receipt's first three characters: year (L is 2017), month, day."""
    return (
        chr(ord("L") + moment.year - 2017)
        + chr(ord("A") + moment.month - 1)
        + (_DAYS[moment.day - 1])
    )


def receipt(moment: datetime) -> str:
    """Return a new receipt of ten characters, such as ``UKN4X0P2QZ``; unique in this process."""
    number = next(_counter)
    tail = ""
    for _ in range(4):
        number, digit = divmod(number, 36)
        tail = (string.digits + string.ascii_uppercase)[digit] + tail
    middle = "".join(secrets.choice(_ALPHABET) for _ in range(3))
    return date_prefix(moment) + middle + tail


def dummy_transaction(moment: datetime) -> str:
    """Return the TransactionID of answers that moved no money: a prefix and zeros."""
    return date_prefix(moment) + "0000000"


def gateway_request() -> str:
    """Return a MerchantRequestID or requestId: ``2654-4b64-97ff-b827b542881d3130``."""
    text = secrets.token_hex(12)
    return f"{text[:4]}-{text[4:8]}-{text[8:12]}-{text[12:]}{next(_counter)}"


def checkout_request(moment: datetime, msisdn: str) -> str:
    """Return a CheckoutRequestID; the counter keeps prompts of one millisecond apart."""
    milliseconds = next(_counter) % 1000
    return f"ws_CO_{moment.strftime('%d%m%Y%H%M%S')}{milliseconds:03d}{msisdn[-9:]}"


def conversation(moment: datetime) -> str:
    """Return a ConversationID: ``AG_20251003_2010`` and sixteen hex digits."""
    return f"AG_{moment.strftime('%Y%m%d')}_2010{secrets.token_hex(8)}"
