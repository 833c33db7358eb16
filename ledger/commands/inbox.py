"""The inbox of callbacks: store, look, set aside, try again."""

from collections.abc import Mapping
from datetime import timedelta

from ledger.commands.payment_parts import SYSTEM
from ledger.db import callbacks
from ledger.db.callbacks import Callback
from ledger.db.engine import Connection, Database

ATTEMPTS_MAX = 8
LEASE = timedelta(seconds=5)


def store(
    database: Database,
    *,
    kind: str,
    token: str,
    body: bytes,
    headers: Mapping[str, str],
    remote_address: str | None,
) -> None:
    """Keep a redacted body durably; returns when it is committed."""
    database.call(
        lambda connection: callbacks.store(
            connection,
            kind=kind,
            token=token,
            body=body,
            headers=headers,
            remote_address=remote_address,
        )
    )


def store_answered(
    database: Database,
    *,
    kind: str,
    token: str,
    body: bytes,
    headers: Mapping[str, str],
    remote_address: str | None,
    state: str,
    verdict: str,
    mpesa_receipt: str | None,
) -> None:
    """Keep a redacted body that was understood and answered at once."""
    database.call(
        lambda connection: callbacks.store_answered(
            connection,
            kind=kind,
            token=token,
            body=body,
            headers=headers,
            remote_address=remote_address,
            state=state,
            verdict=verdict,
            mpesa_receipt=mpesa_receipt,
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
