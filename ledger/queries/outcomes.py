"""What became of money that a customer confirmed in a session that then broke off."""

from dataclasses import dataclass

from ledger.core.context import Context
from ledger.core.payments import PaymentState
from ledger.db import outcomes, payments
from ledger.db.engine import Connection, Database


@dataclass(frozen=True, slots=True)
class HopOutcome:
    """Cents, and either a transfer's receipt and names or a payment's state."""

    amount: int
    state: PaymentState | None = None
    receipt: str = ""
    name: str = ""


def of_hop(database: Database, context: Context, source: str, reference: str) -> HopOutcome | None:
    """Return what the money hop under an idempotency key led to, or None for nothing."""

    def work(connection: Connection) -> HopOutcome | None:
        transfer = outcomes.transfer_of(connection, source, reference)
        if transfer is not None:
            return HopOutcome(transfer.amount, None, transfer.receipt, transfer.name)
        payment = payments.find_by_reference(connection, source, reference)
        return None if payment is None else HopOutcome(payment.amount, payment.state)

    return database.run(context, work)
