"""Keyed requests of the JSON API: reserve the key, do the work, keep the answer."""

from typing import Any

from ledger.core.context import Context
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import idempotency
from ledger.db.engine import Connection, Database
from ledger.db.idempotency import Reservation


def reserve(
    database: Database, context: Context, key: str, request_digest: bytes
) -> Reservation | Refusal:
    """Claim a key of the acting customer for a request, or return what stands under it.

    A reservation without an answer is another request under way, or one that crashed. Both
    may be run again: the ledger knows the key too and moves money once.
    """
    user_id = _owner(context)

    def work(connection: Connection) -> Reservation | Refusal:
        found = idempotency.reserve(connection, user_id, key, request_digest)
        if found.request_digest != request_digest:
            return Refusal(RefusalCode.KEY_REUSED, {"field": "body"})
        return found

    return database.run(context, work)


def settle(
    database: Database, context: Context, key: str, status: int, response: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    """Keep a request's answer, and return the one that stands: the first wins."""
    user_id = _owner(context)
    kept = database.run(
        context,
        lambda connection: idempotency.settle(connection, user_id, key, status, response),
    )
    assert kept.response_status is not None
    assert kept.response is not None
    return kept.response_status, kept.response


def _owner(context: Context) -> int:
    if context.user_id is None:
        raise ValueError("only a customer's request carries an idempotency key")
    return context.user_id
