"""Reversal of a transfer by the organisation: a new, mirrored transaction."""

from ledger.core.chart import Kind
from ledger.core.context import Context
from ledger.core.plans import Plan, Posted
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import kernel, transactions
from ledger.db.engine import Connection, Database

REVERSIBLE = frozenset({Kind.TRANSFER, Kind.SUSPENSE_ALLOCATION})
"""Kinds that are ours alone. What moved at M-Pesa is undone there first, by its own use-cases."""


def reverse(
    database: Database, context: Context, receipt: str, *, why: str, source: str, reference: str
) -> Posted | Refusal:
    """Undo a transaction that moved money between our own accounts only.

    Refused when it was reversed before, is itself a reversal, or the money is spent.
    """

    def work(connection: Connection) -> Posted | Refusal:
        original = transactions.find(connection, receipt)
        if original is None or (original.kind not in REVERSIBLE and original.kind != Kind.REVERSAL):
            return Refusal(RefusalCode.TRANSACTION_UNKNOWN)
        plan = Plan(
            kind=Kind.REVERSAL,
            source=source,
            reference=reference,
            debits={account_id: -debit for account_id, debit in original.debits.items()},
            request={"receipt": receipt},
            details={
                "why": why,
                "from": original.details.get("to"),
                "to": original.details.get("from"),
            },
            reverses_id=original.id,
            messages=tuple(transactions.reversal_notices(connection, original)),
        )
        return kernel.post(connection, context, plan)

    return database.run(context, work)
