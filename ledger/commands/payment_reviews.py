"""Reviews: a person has looked at what did not fit about a payment."""

from ledger.core.context import Context
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import audit, payments
from ledger.db.engine import Connection, Database


def close(database: Database, context: Context, payment_id: int, why: str) -> Refusal | None:
    """Close a payment's review with what was found; the payment itself stays as it is."""

    def work(connection: Connection) -> Refusal | None:
        payment = payments.lock(connection, payment_id)
        if payment is None:
            return Refusal(RefusalCode.PAYMENT_UNKNOWN)
        if payment.review_reason is None:
            return Refusal(RefusalCode.STATE_CONFLICT)
        payments.update(connection, payment_id, review_reason=None)
        audit.record(
            connection,
            "payment.reviewed",
            "payment",
            payment_id,
            old={"review_reason": payment.review_reason},
            new={"why": why},
        )
        return None

    return database.run(context, work)
