"""Reversal of a transfer by the organisation: a new, mirrored transaction."""

from ledger.core.chart import Kind
from ledger.core.context import Context
from ledger.core.plans import Message, Plan, Posted
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import audit, kernel, payments, transactions
from ledger.db.engine import Connection, Database
from ledger.db.transactions import Transaction

REVERSIBLE = frozenset({Kind.TRANSFER, Kind.SUSPENSE_ALLOCATION})
"""Kinds that are ours alone. What moved at M-Pesa is undone there first, by its own use-cases."""


def reverse(
    database: Database, context: Context, receipt: str, *, why: str, source: str, reference: str
) -> Posted | Refusal:
    """Undo a transaction that moved money between our own accounts only.

    Refused when it was reversed before, is itself a reversal, or the money is spent. Money that
    a person had allocated waits in suspense again afterwards.
    """

    def work(connection: Connection) -> Posted | Refusal:
        original = transactions.find(connection, receipt)
        if original is None or (original.kind not in REVERSIBLE and original.kind != Kind.REVERSAL):
            return Refusal(RefusalCode.TRANSACTION_UNKNOWN)
        allocated = original.kind == Kind.SUSPENSE_ALLOCATION
        if allocated and _leaves_for_mpesa(connection, original):
            before = kernel.posted_before(
                connection, Kind.REVERSAL, source, reference, {"receipt": receipt}
            )
            return before or Refusal(RefusalCode.STATE_CONFLICT)
        notices = tuple(transactions.reversal_notices(connection, original))
        posted = kernel.post(
            connection, context, _mirrored(original, why, source, reference, notices)
        )
        if allocated and isinstance(posted, Posted) and not posted.replayed:
            _put_back_into_suspense(connection, original, posted)
        return posted

    return database.run(context, work)


def _mirrored(
    original: Transaction, why: str, source: str, reference: str, notices: tuple[Message, ...]
) -> Plan:
    return Plan(
        kind=Kind.REVERSAL,
        source=source,
        reference=reference,
        debits={account_id: -debit for account_id, debit in original.debits.items()},
        request={"receipt": original.receipt},
        details={
            "why": why,
            "from": original.details.get("to"),
            "to": original.details.get("from"),
        },
        reverses_id=original.id,
        messages=notices,
    )


def _leaves_for_mpesa(connection: Connection, allocation: Transaction) -> bool:
    """Lock an allocated payment; tell whether its money goes, or went, back to the payer."""
    assert allocation.payment_id is not None
    payments.lock(connection, allocation.payment_id)
    return payments.open_reversal_of(connection, allocation.payment_id) is not None


def _put_back_into_suspense(
    connection: Connection, allocation: Transaction, reversal: Posted
) -> None:
    """Let a payment wait for a person again, for whom it waited before it was allocated."""
    assert allocation.payment_id is not None
    payments.update(
        connection,
        allocation.payment_id,
        suspense_resolution=None,
        user_id=allocation.details["user_before"],
    )
    audit.record(
        connection,
        "suspense.allocation_reversed",
        "payment",
        allocation.payment_id,
        new={"transaction_id": reversal.transaction_id},
    )
