"""Reads of payments: a customer's own, and what operators must see."""

from datetime import timedelta

from ledger.core.context import Context
from ledger.core.payments import Payment
from ledger.db import callbacks, payments
from ledger.db.callbacks import Callback
from ledger.db.engine import Database

_ID_DIGITS_MAX = 18


def get(database: Database, context: Context, payment_id: int) -> Payment | None:
    """Return a payment, if the context may see it."""
    return database.run(context, lambda connection: payments.get(connection, payment_id))


def open_of_user(database: Database, context: Context, user_id: int) -> list[Payment]:
    """Return a customer's payments without a verdict, oldest first."""
    return database.run(context, lambda connection: payments.open_of_user(connection, user_id))


def newest_of_user(
    database: Database, context: Context, user_id: int, limit: int = 10
) -> list[Payment]:
    """Return a customer's newest payments, newest first."""
    return database.run(
        context, lambda connection: payments.newest_of_user(connection, user_id, limit)
    )


def waiting_longer_than(database: Database, context: Context, hours: int) -> list[Payment]:
    """Return payments that have waited for M-Pesa's verdict for more than some hours."""
    return database.run(
        context,
        lambda connection: payments.waiting_longer_than(connection, timedelta(hours=hours)),
    )


def transaction_of_checkout(
    database: Database, context: Context, checkout_request_id: str
) -> int | None:
    """Return the ledger transaction that a CheckoutRequestID led to, or None."""
    payment = database.run(
        context, lambda connection: payments.find_by_checkout(connection, checkout_request_id)
    )
    return None if payment is None else payment.transaction_id


def for_review(database: Database, context: Context, limit: int = 100) -> list[Payment]:
    """Return payments that wait for a person: doubts, contradictions, money in suspense."""
    return database.run(context, lambda connection: payments.for_review(connection, limit))


def quarantined(database: Database, context: Context, limit: int = 100) -> list[Callback]:
    """Return bodies that fitted nothing or could not be read, newest first."""
    return database.run(context, lambda connection: callbacks.quarantined(connection, limit))


def evidence_of(database: Database, context: Context, payment_id: int) -> list[Callback]:
    """Return everything that was posted about a payment, oldest first."""
    return database.run(context, lambda connection: callbacks.of_payment(connection, payment_id))


def unprocessed_callbacks(database: Database, context: Context, older_than_seconds: int) -> int:
    """Count bodies that no worker has processed for some seconds."""
    return database.run(
        context,
        lambda connection: callbacks.unprocessed_older_than(
            connection, timedelta(seconds=older_than_seconds)
        ),
    )


def find_own(database: Database, context: Context, user_id: int, wanted: str) -> Payment | None:
    """Return a customer's payment by id or CheckoutRequestID; None when it is not theirs."""
    with database.transaction(context) as connection:
        if wanted.isascii() and wanted.isdecimal() and len(wanted) <= _ID_DIGITS_MAX:
            payment = payments.get(connection, int(wanted))
        else:
            payment = payments.find_by_checkout(connection, wanted)
    return payment if payment is not None and payment.user_id == user_id else None
