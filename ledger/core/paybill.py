"""What a paybill payment (C2B) brings, and whose account number it names."""

import re
from dataclasses import dataclass
from datetime import datetime

from ledger.core.msisdn import parse_msisdn

_SEPARATORS = re.compile(r"[\s\-._/]+")
_WALLET_NUMBER = re.compile(r"W([17][0-9]{8})", re.ASCII)
CUSTOMER_PAYMENTS = frozenset({"pay bill", "buy goods", "customer merchant payment", ""})
"""Kinds that come from a customer; a transfer between businesses is nobody's deposit by guess."""


@dataclass(frozen=True, slots=True)
class PaybillPayment:
    """A confirmed payment. ``payer_hash`` is SHA-256 of the payer's number, if we can know it."""

    receipt: str
    amount: int
    account_number: str
    payer_msisdn: str | None
    payer_hash: str | None
    payer_name: str
    paid_at: datetime | None
    kind: str


def plain_account_number(text: str) -> str:
    """Return what a payer typed without spaces, dashes and case."""
    return _SEPARATORS.sub("", text).upper()


def account_msisdn(text: str) -> str | None:
    """Return the customer's number behind a phone in any spelling or a wallet number."""
    plain = plain_account_number(text)
    wallet = _WALLET_NUMBER.fullmatch(plain)
    return "+254" + wallet[1] if wallet else parse_msisdn(plain)
