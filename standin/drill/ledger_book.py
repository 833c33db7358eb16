"""The ledger as an auditor reads it: payments, movements and what is still open."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

CASH = 1


@dataclass(frozen=True, slots=True)
class LedgerPayment:
    """A payment and what it moved in CASH, in cents: in is positive."""

    id: int
    kind: str
    state: str
    amount: int
    mpesa_receipt: str | None
    checkout_request_id: str | None
    originator_conversation_id: str | None
    account_reference: str
    cash: int


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement that a customer is told about; cents.

    A payout's settlement moves no wallet and so has no ``balance_after``.
    """

    receipt: str
    kind: str
    msisdn: str
    direction: str
    amount: int
    balance_after: int | None
    posted_at: datetime
    fee: int
    wallet_id: int


_PAYMENTS = """
    SELECT p.id, p.kind, p.state, p.amount, p.mpesa_receipt, p.checkout_request_id,
        p.originator_conversation_id, p.account_reference,
        coalesce((SELECT sum(CASE o.direction WHEN 'D' THEN o.amount ELSE -o.amount END)
            FROM transactions AS t JOIN postings AS o ON o.transaction_id = t.id
            WHERE t.payment_id = p.id AND o.account_id = 1), 0)::bigint AS cash
    FROM payments AS p ORDER BY p.id
"""
_MOVEMENTS = """
    SELECT t.receipt, t.kind, u.msisdn, o.direction, o.amount, o.balance_after, o.posted_at,
        coalesce((t.details ->> 'fee')::bigint, 0) AS fee, o.account_id AS wallet_id
    FROM postings AS o
    JOIN transactions AS t ON t.id = o.transaction_id
    JOIN accounts AS a ON a.id = o.account_id
    JOIN users AS u ON u.id = a.user_id
    UNION ALL
    SELECT t.receipt, t.kind, u.msisdn, 'D', p.amount + p.fee, NULL, o.posted_at, p.fee, 0
    FROM transactions AS t
    JOIN postings AS o ON o.transaction_id = t.id AND o.account_id = 2
    JOIN payments AS p ON p.id = t.payment_id
    JOIN users AS u ON u.id = p.user_id
    WHERE t.kind = 'withdrawal_settlement'
"""
_OPEN = """
    SELECT
        (SELECT count(*) FROM payments
            WHERE state IN ('created', 'submitting', 'pending', 'unknown')) AS payments,
        (SELECT count(*) FROM mpesa_callbacks WHERE state = 'received') AS callbacks,
        (SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending') AND channel = 'sms')
            + (SELECT count(*) FROM outbox_intake) AS messages,
        (SELECT count(*) FROM payout_pauses WHERE resumed_at IS NULL) AS pauses
"""
_TOTALS = """
    SELECT
        (SELECT coalesce(sum(CASE direction WHEN 'D' THEN amount ELSE -amount END), 0)::bigint
            FROM postings) AS imbalance,
        (SELECT coalesce(sum(CASE direction WHEN 'D' THEN amount ELSE -amount END), 0)::bigint
            FROM postings WHERE account_id = 1) AS cash,
        (SELECT coalesce(sum(CASE direction WHEN 'D' THEN -amount ELSE amount END), 0)::bigint
            FROM postings WHERE account_id = 2) AS held,
        (SELECT coalesce(sum(abs(a.balance - coalesce(s.total, 0))), 0)::bigint
            FROM accounts AS a LEFT JOIN (
                SELECT account_id,
                    sum(CASE direction WHEN 'D' THEN -amount ELSE amount END) AS total
                FROM postings GROUP BY account_id) AS s ON s.account_id = a.id
            WHERE a.id >= 1000) AS drift
"""
_REVIEW = """
    SELECT coalesce(review_reason, suspense_reason) AS reason, count(*) AS payments
    FROM payments WHERE review_reason IS NOT NULL OR suspense_reason IS NOT NULL
    GROUP BY 1 ORDER BY 1
"""


class LedgerBook:
    """Reads as the role ``cycle_auditor``: it sees all rows and can change none."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def payments(self) -> list[LedgerPayment]:
        """Return every payment, oldest first."""
        return [LedgerPayment(**row) for row in self._rows(_PAYMENTS)]

    def movements(self) -> list[Movement]:
        """Return every posting on a customer's wallet, and every payout made."""
        return [Movement(**row) for row in self._rows(_MOVEMENTS)]

    def still_open(self) -> dict[str, int]:
        """Count what has no end yet: payments, callbacks, messages, pauses of payouts."""
        return self._rows(_OPEN)[0]

    def totals(self) -> dict[str, int]:
        """Return the control totals in cents: imbalance and drift must be 0."""
        return self._rows(_TOTALS)[0]

    def reviews(self) -> dict[str, int]:
        """Count payments that wait for a person, by reason."""
        return {row["reason"]: row["payments"] for row in self._rows(_REVIEW)}

    def _rows(self, query: str) -> list[dict[str, Any]]:
        with psycopg.connect(self._url, row_factory=dict_row) as connection:
            connection.execute("SET ROLE cycle_auditor")
            return connection.execute(query.encode()).fetchall()
