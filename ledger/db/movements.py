"""SQL of movements on a wallet with what M-Pesa says of them, in keyset pages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row

from ledger.db.engine import Connection

MovementCursor = tuple[datetime, int]
PAGE_MAX = 101


@dataclass(frozen=True, slots=True)
class Filter:
    """Which movements to show; None means any. ``since`` is included, ``before`` is not.

    ``counterparty`` is a number in the stored form: that of the customer on the other side, or
    the one that M-Pesa was paid from or pays to.
    """

    since: datetime | None = None
    before: datetime | None = None
    kinds: tuple[str, ...] | None = None
    status: str | None = None
    counterparty: str | None = None


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Movement:
    """One posting on a wallet with its transaction. Amounts are cents.

    ``status`` is pending while M-Pesa has no verdict on a withdrawal, failed when it was
    refused (the money came back by a movement of its own), else completed.
    """

    transaction_id: int
    receipt: str
    kind: str
    direction: str
    amount: int
    balance_after: int
    posted_at: datetime
    details: dict[str, Any]
    status: str
    mpesa_receipt: str | None

    @property
    def is_money_in(self) -> bool:
        """Tell whether the wallet grew: a wallet is a liability, so by a credit."""
        return self.direction == "C"

    @property
    def balance_before(self) -> int:
        """Return the cents before this movement."""
        return self.balance_after + (-self.amount if self.is_money_in else self.amount)

    @property
    def fee(self) -> int:
        """Return the fee inside the amount: the payer's, none for whom the money reached."""
        fee = self.details.get("fee", 0)
        return 0 if self.is_money_in or not isinstance(fee, int) else fee

    @property
    def counterparty(self) -> dict[str, str] | None:
        """Return the other side's two names and masked number, where there is one."""
        party = self.details.get("from" if self.is_money_in else "to")
        return party if isinstance(party, dict) else None


_STATUS = """
    CASE WHEN t.kind <> 'withdrawal_hold' OR y.id IS NULL THEN 'completed'
        WHEN y.state = 'completed' THEN 'completed'
        WHEN y.state IN ('failed', 'expired') THEN 'failed'
        ELSE 'pending' END
"""
# The literals are this module's own; values travel as parameters.
_SELECT = f"""
    SELECT p.transaction_id, t.receipt, t.kind, p.direction, p.amount, p.balance_after,
        p.posted_at, t.details, {_STATUS} AS status, y.mpesa_receipt
    FROM postings AS p
    JOIN transactions AS t ON t.id = p.transaction_id
    LEFT JOIN payments AS y ON y.id = t.payment_id
    WHERE p.account_id = %(account_id)s
"""  # noqa: S608
_PAGE = (
    _SELECT
    + f"""
        AND (p.posted_at, p.transaction_id) < (%(cursor_time)s, %(cursor_id)s)
        -- Months that can't have a row are left out by a plain bound, never by a pair's.
        AND p.posted_at <= %(cursor_time)s
        AND p.posted_at >= %(since)s AND p.posted_at < %(before)s
        AND (%(kinds)s::text[] IS NULL OR t.kind = ANY (%(kinds)s))
        AND (%(status)s::text IS NULL OR {_STATUS} = %(status)s)
        AND (%(counterparty)s::text IS NULL OR y.msisdn = %(counterparty)s
            OR p.transaction_id IN (SELECT public.transactions_with(
                %(account_id)s, %(counterparty)s, %(since)s, least(%(before)s, %(cursor_time)s))))
    ORDER BY p.posted_at DESC, p.transaction_id DESC
    LIMIT %(limit)s
"""
)


def page(
    connection: Connection,
    account_id: int,
    *,
    limit: int,
    cursor: MovementCursor | None = None,
    wanted: Filter = EVERYTHING,
) -> list[Movement]:
    """Return up to ``limit`` movements older than a cursor (time and transaction id)."""
    if not 1 <= limit <= PAGE_MAX:
        raise ValueError(f"a page holds 1 to {PAGE_MAX} movements")
    cursor_time, cursor_id = cursor or ("infinity", 0)
    # The one plan for all wallets is made for a short one, which is sorted for less than it is
    # read in order; a long one would be read to its end for each page.
    connection.execute("SET LOCAL enable_sort = off")
    with connection.cursor(row_factory=class_row(Movement)) as rows:
        return rows.execute(
            _PAGE.encode(),
            {
                "account_id": account_id,
                "cursor_time": cursor_time,
                "cursor_id": cursor_id,
                "since": wanted.since or "-infinity",
                "before": wanted.before or "infinity",
                "kinds": None if wanted.kinds is None else list(wanted.kinds),
                "status": wanted.status,
                "counterparty": wanted.counterparty,
                "limit": limit,
            },
        ).fetchall()


def find(connection: Connection, account_id: int, transaction: int | str) -> Movement | None:
    """Return the movement of one transaction, by id or receipt, on this account only."""
    column = "t.id" if isinstance(transaction, int) else "t.receipt"
    condition = f" AND {column} = %(transaction)s"
    with connection.cursor(row_factory=class_row(Movement)) as rows:
        return rows.execute(
            (_SELECT + condition).encode(),
            {"account_id": account_id, "transaction": transaction},
        ).fetchone()
