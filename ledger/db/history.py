"""SQL of a wallet's history: keyset pages over postings, newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row

from ledger.db.engine import Connection


@dataclass(frozen=True, slots=True)
class Entry:
    """One posting on a wallet, as its owner may see it. Amounts are cents."""

    transaction_id: int
    receipt: str
    kind: str
    direction: str
    amount: int
    balance_after: int
    posted_at: datetime
    details: dict[str, Any]

    @property
    def is_money_in(self) -> bool:
        """Tell whether the wallet grew: a wallet is a liability, so by a credit."""
        return self.direction == "C"

    @property
    def counterparty(self) -> dict[str, str] | None:
        """Return the other side's two names and masked number, where there is one."""
        party = self.details.get("from" if self.is_money_in else "to")
        return party if isinstance(party, dict) else None


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Which entries to show; None means any. Times are inclusive."""

    since: datetime | None = None
    until: datetime | None = None
    kinds: tuple[str, ...] | None = None
    counterparty_masked: str | None = None


EVERYTHING = HistoryFilter()
PAGE_MAX = 100

_PAGE = """
    SELECT p.transaction_id, t.receipt, t.kind, p.direction, p.amount, p.balance_after, p.posted_at,
        t.details
    FROM postings AS p JOIN transactions AS t ON t.id = p.transaction_id
    WHERE p.account_id = %(account_id)s
        AND (p.posted_at, p.transaction_id) < (%(before_time)s, %(before_id)s)
        -- An index scan starts at a plain bound, never at a pair's: without this one it would
        -- read every page before this one.
        AND p.posted_at <= %(before_time)s
        AND p.posted_at >= %(since)s AND p.posted_at <= %(until)s
        AND (%(kinds)s::text[] IS NULL OR t.kind = ANY (%(kinds)s))
        AND (%(counterparty)s::text IS NULL
            OR t.details #>> CASE p.direction WHEN 'C' THEN '{from,msisdn}'::text[]
                ELSE '{to,msisdn}' END = %(counterparty)s)
    ORDER BY p.posted_at DESC, p.transaction_id DESC
    LIMIT %(limit)s
"""

Cursor = tuple[datetime, int]


def page(
    connection: Connection,
    account_id: int,
    *,
    limit: int,
    before: Cursor | None = None,
    wanted: HistoryFilter = EVERYTHING,
) -> list[Entry]:
    """Return up to ``limit`` entries older than a cursor (time and transaction id)."""
    if not 1 <= limit <= PAGE_MAX:
        raise ValueError(f"a page holds 1 to {PAGE_MAX} entries")
    before_time, before_id = before or ("infinity", 0)
    with connection.cursor(row_factory=class_row(Entry)) as cursor:
        return cursor.execute(
            _PAGE,
            {
                "account_id": account_id,
                "before_time": before_time,
                "before_id": before_id,
                "since": wanted.since or "-infinity",
                "until": wanted.until or "infinity",
                "kinds": None if wanted.kinds is None else list(wanted.kinds),
                "counterparty": wanted.counterparty_masked,
                "limit": limit,
            },
        ).fetchall()
