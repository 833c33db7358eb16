"""The inbox of callbacks: store, look, set aside, try again."""

from collections.abc import Sequence
from datetime import timedelta

from ledger.commands.payment_parts import SYSTEM
from ledger.db import callbacks
from ledger.db.callbacks import Callback, Received
from ledger.db.engine import Connection, Database

ATTEMPTS_MAX = 8
LEASE = timedelta(seconds=5)


def store(database: Database, received: Sequence[Received]) -> None:
    """Keep redacted bodies durably, all or none; returns when they are committed."""
    database.call(lambda connection: callbacks.store(connection, received))


def store_answered(
    database: Database,
    received: Received,
    *,
    state: str,
    verdict: str,
    mpesa_receipt: str | None,
) -> None:
    """Keep a redacted body that was understood and answered at once."""
    database.call(
        lambda connection: callbacks.store_answered(
            connection, received, state=state, verdict=verdict, mpesa_receipt=mpesa_receipt
        )
    )


def announced(database: Database, mpesa_receipt: str) -> list[bytes]:
    """Return the bodies in which Daraja asked about a payment before it was made."""
    return database.run(SYSTEM, lambda connection: callbacks.announced(connection, mpesa_receipt))


def lease(database: Database, limit: int) -> list[Callback]:
    """Return bodies that wait, oldest first; no other worker is handed them for 5 s.

    The lease keeps workers apart and is no lock: a body of a worker that died is found again.
    """
    return database.run(SYSTEM, lambda connection: callbacks.lease(connection, limit, LEASE))


def set_aside(database: Database, callback_id: int, state: str, verdict: str) -> bool:
    """Settle a body that says nothing about a payment; False when another worker has it."""

    def work(connection: Connection) -> bool:
        if not callbacks.take(connection, callback_id):
            return False
        callbacks.settle(connection, callback_id, state=state, verdict=verdict, payment_id=None)
        return True

    return database.run(SYSTEM, work)


def postpone(database: Database, callback_id: int) -> None:
    """Try a body again later; after eight failures it is shown to a person."""
    database.run(
        SYSTEM,
        lambda connection: callbacks.postpone(connection, callback_id, attempts_max=ATTEMPTS_MAX),
    )
