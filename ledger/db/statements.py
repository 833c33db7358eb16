"""SQL of statements and of the trial balance. All of it is for one snapshot in Nairobi time.

A statement's sums come as one row a day, its lines through a server-side cursor or COPY, so
memory does not grow with the number of postings.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import ServerCursor
from psycopg.rows import class_row, tuple_row
from psycopg.types.json import Jsonb

from ledger.core.rules import NAIROBI
from ledger.core.statements import DaySum, Hold, Line, Period, TrialBalanceRow
from ledger.db.engine import Connection

_FETCH_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account with its holder, where it has one."""

    id: int
    code: str
    number: str
    name: str
    normal_side: str
    user_id: int | None
    msisdn: str | None
    language: str | None


_ACCOUNT = """
    SELECT a.id, a.code, a.number, a.name, a.normal_side, a.user_id, u.msisdn, u.language
    FROM accounts AS a LEFT JOIN users AS u ON u.id = a.user_id
"""


def wallet_of(connection: Connection, user_id: int) -> AccountRow | None:
    """Return a customer's wallet."""
    with connection.cursor(row_factory=class_row(AccountRow)) as cursor:
        query = _ACCOUNT + " WHERE a.user_id = %s AND a.code = 'USER_WALLET'"
        return cursor.execute(query, (user_id,)).fetchone()


def account(connection: Connection, account_id: int) -> AccountRow | None:
    """Return any account by its id."""
    with connection.cursor(row_factory=class_row(AccountRow)) as cursor:
        return cursor.execute(_ACCOUNT + " WHERE a.id = %s", (account_id,)).fetchone()


def wallet_user_ids(connection: Connection, after: int, limit: int) -> list[int]:
    """Return the next customers' ids in ascending order, for work over everybody."""
    rows = connection.execute(
        "SELECT user_id FROM accounts WHERE code = 'USER_WALLET' AND user_id > %s"
        " ORDER BY user_id LIMIT %s",
        (after, limit),
    ).fetchall()
    return [row["user_id"] for row in rows]


def tell_nairobi_time(connection: Connection) -> None:
    """Make casts to ``date`` and ``timestamp`` mean Nairobi's until the transaction ends.

    Every other function here relies on it: naming the zone in each row takes three times
    as long.
    """
    connection.execute("SELECT set_config('timezone', %s, true)", (NAIROBI.key,))


def balance_before(connection: Connection, found: AccountRow, moment: datetime) -> int:
    """Return an account's cents just before a moment.

    A wallet's newest earlier posting says it. A system account's postings carry no balance:
    its balance now, less what was posted since.
    """
    if found.user_id is not None or found.id >= 1000:
        row = connection.execute(
            "SELECT balance_after AS balance FROM postings WHERE account_id = %s AND posted_at < %s"
            " ORDER BY posted_at DESC, transaction_id DESC LIMIT 1",
            (found.id, moment),
        ).fetchone()
        return 0 if row is None else int(row["balance"])
    row = connection.execute(
        "SELECT (c.debits_less_credits"
        " + coalesce((SELECT sum(d.debits_less_credits) FROM balance_deltas AS d"
        "   WHERE d.account_id = c.account_id), 0)"
        " - coalesce((SELECT sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END)"
        "   FROM postings AS p WHERE p.account_id = c.account_id AND p.posted_at >= %s), 0)"
        ")::bigint * CASE %s WHEN 'D' THEN 1 ELSE -1 END AS balance"
        " FROM balance_checkpoints AS c WHERE c.account_id = %s",
        (moment, found.normal_side, found.id),
    ).fetchone()
    assert row is not None
    return int(row["balance"])


# A fee is charged to the paying wallet within its posting; it comes back when a payout is void
# or a transfer is reversed.
_FEE = """CASE WHEN p.account_id < 1000 THEN 0
    WHEN p.direction = 'D' THEN coalesce((t.details->>'fee')::bigint, 0)
    WHEN t.kind = 'withdrawal_void' THEN -coalesce((t.details->>'fee')::bigint, 0)
    WHEN t.kind = 'reversal' THEN -coalesce((SELECT (o.details->>'fee')::bigint
        FROM transactions AS o WHERE o.id = t.reverses_id), 0)
    ELSE 0 END"""

_DAYS = f"""
    SELECT p.posted_at::date AS day,
        coalesce(sum(p.amount) FILTER (WHERE p.direction = %(side)s), 0)::bigint,
        coalesce(sum(p.amount) FILTER (WHERE p.direction <> %(side)s), 0)::bigint,
        sum({_FEE})::bigint,
        count(*)
    FROM postings AS p JOIN transactions AS t ON t.id = p.transaction_id
    WHERE p.account_id = %(account_id)s AND p.posted_at >= %(start)s AND p.posted_at < %(end)s
    GROUP BY 1 ORDER BY 1
"""  # noqa: S608 - both parts are constants

# Without the transactions: a third of the time.
_DAYS_WITHOUT_FEES = """
    SELECT p.posted_at::date AS day,
        coalesce(sum(p.amount) FILTER (WHERE p.direction = %(side)s), 0)::bigint,
        coalesce(sum(p.amount) FILTER (WHERE p.direction <> %(side)s), 0)::bigint,
        0::bigint,
        count(*)
    FROM postings AS p
    WHERE p.account_id = %(account_id)s AND p.posted_at >= %(start)s AND p.posted_at < %(end)s
    GROUP BY 1 ORDER BY 1
"""

# The other side of a wallet's posting; for a system account the customer, on either side.
_PARTY = """CASE WHEN p.account_id < 1000 THEN coalesce(t.details->'to', t.details->'from')
    WHEN p.direction = 'C' THEN t.details->'from' ELSE t.details->'to' END"""

_FROM = f"""
    FROM postings AS p JOIN transactions AS t ON t.id = p.transaction_id
        CROSS JOIN LATERAL (SELECT {_PARTY}) AS side (party)
    WHERE p.account_id = %(account_id)s AND p.posted_at >= %(start)s AND p.posted_at < %(end)s
    ORDER BY p.posted_at, p.transaction_id
"""

_LINES = f"""
    SELECT p.posted_at::timestamp, t.receipt, t.kind,
        CASE WHEN p.direction = %(side)s THEN p.amount ELSE 0 END,
        CASE WHEN p.direction = %(side)s THEN 0 ELSE p.amount END,
        p.balance_after, {_FEE},
        party->>'name', party->>'msisdn', t.details->>'mpesa_receipt', t.details->>'note'
    {_FROM}
"""

# Cents times 0.01 are numeric with exactly two decimals: no float, and no division.
_COPY = f"""COPY (
    SELECT p.posted_at::timestamp, t.receipt, t.kind,
        replace(
            coalesce(%(phrases)s::jsonb->>(t.kind || CASE WHEN p.direction = %(side)s
                THEN ' in' ELSE ' out' END), t.kind),
            '{{name}}', coalesce(party->>'name', %(phrases)s::jsonb->>'nobody')),
        party->>'name', party->>'msisdn', t.details->>'mpesa_receipt', t.details->>'note',
        CASE WHEN p.direction = %(side)s THEN p.amount ELSE 0 END * 0.01,
        CASE WHEN p.direction = %(side)s THEN 0 ELSE p.amount END * 0.01,
        greatest({_FEE}, 0) * 0.01,
        p.balance_after * 0.01
    {_FROM}
) TO STDOUT (FORMAT csv)"""


def _parameters(found: AccountRow, period: Period) -> dict[str, object]:
    return {
        "account_id": found.id,
        "side": found.normal_side,
        "start": period.start,
        "end": period.end,
    }


def day_sums(
    connection: Connection, found: AccountRow, period: Period, *, with_fees: bool
) -> tuple[DaySum, ...]:
    """Return the movements of each Nairobi day that has any; fees are zero when not wanted."""
    query = _DAYS if with_fees else _DAYS_WITHOUT_FEES
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, _parameters(found, period), binary=True).fetchall()
    return tuple(DaySum._make(row) for row in rows)


def lines(
    connection: Connection, found: AccountRow, period: Period, opening: int
) -> Iterator[Line]:
    """Yield the postings of a period, oldest first, a few thousand in memory at a time."""
    with connection.cursor(name="statement_lines", row_factory=tuple_row) as cursor:
        cursor.execute(_LINES, _parameters(found, period), binary=True)
        rows = _read_ahead(cursor)
        if found.id >= 1000:
            yield from map(Line._make, rows)
            return
        balance = opening
        for row in rows:
            balance += row[3] - row[4]
            yield Line._make((*row[:5], balance, *row[6:]))


def copied_rows(
    connection: Connection, found: AccountRow, period: Period, phrases: Mapping[str, str]
) -> Iterator[bytes]:
    """Yield the postings of a period as rows of CSV, oldest first: see ``CopiedStatement``.

    ``phrases`` describe a kind and side, ``deposit in``, with ``{name}`` for the counterparty
    and ``nobody`` where there is none.
    """
    parameters = {**_parameters(found, period), "phrases": Jsonb(phrases)}
    with connection.cursor().copy(_COPY, parameters) as copy:
        # The protocol sends one row a message.
        yield from map(bytes, copy)


def _read_ahead(cursor: ServerCursor[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield rows while the server already works on the next ones."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = pool.submit(cursor.fetchmany, _FETCH_ROWS)
        while rows := coming.result():
            coming = pool.submit(cursor.fetchmany, _FETCH_ROWS)
            yield from rows


def open_holds(connection: Connection, user_id: int, moment: datetime) -> tuple[Hold, ...]:
    """Return what had left a wallet before a moment and had no verdict from M-Pesa by then."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            "SELECT h.created_at::timestamp, h.receipt, p.amount + p.fee"
            " FROM payments AS p JOIN transactions AS h ON h.id = p.hold_transaction_id"
            " WHERE p.user_id = %s AND h.created_at < %s"
            " AND (p.settled_at IS NULL OR p.settled_at >= %s) ORDER BY h.created_at",
            (user_id, moment, moment),
        ).fetchall()
    return tuple(Hold._make(row) for row in rows)


def trial_balance(connection: Connection, moment: datetime) -> tuple[TrialBalanceRow, ...]:
    """Return every system account's and all wallets' balance just before a moment."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            """
            WITH later AS (
                SELECT least(account_id, 1000) AS id,
                    sum(CASE direction WHEN 'D' THEN amount ELSE -amount END) AS debits_less_credits
                FROM postings WHERE posted_at >= %s GROUP BY 1
            ), now AS (
                SELECT a.id, a.code, a.name, c.debits_less_credits
                    + coalesce((SELECT sum(d.debits_less_credits) FROM balance_deltas AS d
                        WHERE d.account_id = a.id), 0) AS debits_less_credits
                FROM accounts AS a JOIN balance_checkpoints AS c ON c.account_id = a.id
                UNION ALL
                SELECT 1000, 'WALLETS', 'Customers'' and groups'' wallets',
                    coalesce(sum(CASE normal_side WHEN 'D' THEN balance ELSE -balance END), 0)
                FROM accounts WHERE id >= 1000
            )
            SELECT n.code, n.name,
                greatest(n.debits_less_credits - coalesce(l.debits_less_credits, 0), 0)::bigint,
                greatest(coalesce(l.debits_less_credits, 0) - n.debits_less_credits, 0)::bigint
            FROM now AS n LEFT JOIN later AS l ON l.id = n.id ORDER BY n.id
            """,
            (moment,),
        ).fetchall()
    return tuple(TrialBalanceRow._make(row) for row in rows)
