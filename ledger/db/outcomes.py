"""SQL of what one hop of a session led to."""

from dataclasses import dataclass
from typing import Any

from ledger.db.engine import Connection


@dataclass(frozen=True, slots=True)
class HopTransfer:
    """A transfer as its sender sees it: cents without the fee, and the other side's names."""

    receipt: str
    amount: int
    name: str


def transfer_of(connection: Connection, source: str, reference: str) -> HopTransfer | None:
    """Return the transfer under an idempotency key, if the context may see it."""
    row = connection.execute(
        "SELECT receipt, details FROM transactions"
        " WHERE source = %s AND reference = %s AND kind = 'transfer'",
        (source, reference),
    ).fetchone()
    if row is None:
        return None
    details: dict[str, Any] = row["details"]
    return HopTransfer(row["receipt"], details["request"]["amount"], details["to"]["name"])
