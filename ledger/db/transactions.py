"""SQL of single transactions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.core.chart import Kind
from ledger.core.plans import Message
from ledger.db.engine import Connection


@dataclass(frozen=True, slots=True)
class Transaction:
    """A posted transaction; ``debits`` maps account id to cents, credits negative."""

    id: int
    receipt: str
    kind: str
    created_at: datetime
    payment_id: int | None
    details: dict[str, Any]
    debits: dict[int, int]


def find(connection: Connection, receipt: str) -> Transaction | None:
    """Return the transaction with a receipt, as far as the context may see it."""
    row = connection.execute(
        "SELECT id, receipt, kind, created_at, payment_id, details FROM transactions"
        " WHERE receipt = %s",
        (receipt,),
    ).fetchone()
    if row is None:
        return None
    postings = connection.execute(
        "SELECT account_id, CASE direction WHEN 'D' THEN amount ELSE -amount END AS debit"
        " FROM postings WHERE transaction_id = %s",
        (row["id"],),
    ).fetchall()
    debits = {posting["account_id"]: posting["debit"] for posting in postings}
    return Transaction(**row, debits=debits)


def allocations_of(connection: Connection, payment_id: int) -> int:
    """Return how many times a payment's money was given from suspense to a customer."""
    row = connection.execute(
        "SELECT count(*) AS n FROM transactions WHERE payment_id = %s AND kind = %s",
        (payment_id, Kind.SUSPENSE_ALLOCATION),
    ).fetchone()
    assert row is not None
    found: int = row["n"]
    return found


def reversal_notices(connection: Connection, original: Transaction) -> Iterator[Message]:
    """Yield an SMS for each customer whose wallet a reversal changes."""
    rows = connection.execute(
        "SELECT a.id, u.id AS user_id, u.msisdn, u.language,"
        " CASE WHEN u.email_confirmed_at IS NOT NULL THEN u.email END AS email FROM accounts AS a"
        " JOIN users AS u ON u.id = a.user_id WHERE a.id = ANY (%s) ORDER BY a.id",
        (list(original.debits),),
    ).fetchall()
    for row in rows:
        yield Message(
            user_id=row["user_id"],
            recipient=row["msisdn"],
            language=row["language"],
            template="transfer_reversed",
            params={"original": original.receipt, "amount": abs(original.debits[row["id"]])},
            balance_of=row["id"],
            email=row["email"],
        )
