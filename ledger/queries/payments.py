"""Reads of payments over M-Pesa."""

from ledger.core.context import Context
from ledger.core.payments import Payment
from ledger.db import payments
from ledger.db.engine import Database

_ID_DIGITS_MAX = 18


def find_own(database: Database, context: Context, user_id: int, wanted: str) -> Payment | None:
    """Return a customer's payment by id or CheckoutRequestID; None when it is not theirs."""
    with database.transaction(context) as connection:
        if wanted.isascii() and wanted.isdecimal() and len(wanted) <= _ID_DIGITS_MAX:
            payment = payments.get(connection, int(wanted))
        else:
            payment = payments.find_by_checkout(connection, wanted)
    return payment if payment is not None and payment.user_id == user_id else None
