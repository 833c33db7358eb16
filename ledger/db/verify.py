"""SQL that recomputes the whole ledger and names the first row that is wrong.

Everything runs in one REPEATABLE READ snapshot, so a live database verifies as it stood at
one moment. Nothing here trusts a trigger or a foreign key: whoever owns the tables can turn both
off. Transactions, wallets and seals are read in chunks, their rows in bounded memory. System
accounts, users, holds and the cover of the audit log are one statement each, over all rows: at ten
million postings and a million withdrawals the longest took five seconds, so chunks would not pay.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from ledger.core.chart import SystemAccount
from ledger.db.engine import Connection

CHUNK = 20_000
"""About how many transactions, postings of wallets or sealed audit rows a statement reads."""

_LOWEST, _HIGHEST = -(2**63), 2**63 - 1

Progress = Callable[[str, int, int], None]
"""Called with a check's name, chunks done and chunks in all."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The first row that a check found wrong: where it stands, and what is wrong with it."""

    check: str
    table: str
    key: str
    problem: str


# Each query returns at most one row: the table, the key and the problem of the first wrong row.
_TRANSACTIONS = """
    WITH sums AS (
        SELECT p.transaction_id, count(*) AS postings,
            sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END) AS total,
            bool_and(p.direction IN ('D', 'C') AND p.amount BETWEEN 1 AND 100000000000000
                AND (p.account_id < 1000) = (p.balance_after IS NULL)
                AND (p.account_id < 1000) = (p.account_version IS NULL)) AS well_formed,
            array_agg(p.account_id ORDER BY p.account_id) AS accounts,
            array_agg(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END
                ORDER BY p.account_id) AS debits
        FROM postings AS p WHERE p.transaction_id BETWEEN %(low)s AND %(high)s
        GROUP BY p.transaction_id
    ), entries AS (
        SELECT a.id, a.subject_id, a.actor, a.channel, a.new_values FROM audit_log AS a
        WHERE a.subject_type = 'transaction' AND a.action = 'transaction.posted'
            AND a.subject_id BETWEEN %(low)s AND %(high)s
    ), found AS (
        SELECT 'postings' AS "table", 'transaction ' || s.transaction_id AS key,
            CASE WHEN t.id IS NULL THEN 'postings of a transaction that does not exist'
                WHEN NOT s.well_formed THEN 'a posting is malformed'
                WHEN s.total <> 0 THEN 'postings sum to ' || s.total || ' cents instead of 0'
                WHEN s.postings < 2 THEN 'fewer than two postings'
                WHEN e.id IS NULL THEN 'no audit row'
                WHEN e.new_values -> 'accounts' IS DISTINCT FROM to_jsonb(s.accounts)
                    OR e.new_values -> 'debits' IS DISTINCT FROM to_jsonb(s.debits)
                    THEN 'postings differ from audit row ' || e.id
            END AS problem, s.transaction_id AS position
        FROM sums AS s
        LEFT JOIN transactions AS t ON t.id = s.transaction_id
        LEFT JOIN entries AS e ON e.subject_id = s.transaction_id
        UNION ALL
        SELECT 'transactions', 'transaction ' || t.id,
            CASE WHEN s.transaction_id IS NULL THEN 'no postings'
                WHEN length(t.receipt) <> 10 OR length(t.reference) NOT BETWEEN 1 AND 200
                    THEN 'receipt or reference is out of bounds'
                WHEN e.id IS NOT NULL AND (t.receipt, t.kind, t.actor, t.channel)
                    IS DISTINCT FROM (e.new_values ->> 'receipt', e.new_values ->> 'kind',
                        e.actor, e.channel)
                    THEN 'receipt, kind, actor or channel differs from audit row ' || e.id
                WHEN t.reverses_id IS NOT NULL AND r.id IS NULL
                    THEN 'reverses transaction ' || t.reverses_id || ', which does not exist'
                WHEN r.reverses_id IS NOT NULL THEN 'reverses a reversal'
            END, t.id
        FROM transactions AS t
        LEFT JOIN sums AS s ON s.transaction_id = t.id
        LEFT JOIN entries AS e ON e.subject_id = t.id
        LEFT JOIN transactions AS r ON r.id = t.reverses_id
        WHERE t.id BETWEEN %(low)s AND %(high)s
        UNION ALL
        SELECT 'audit_log', 'audit row ' || e.id,
            'transaction ' || e.subject_id || ' does not exist', e.subject_id
        FROM entries AS e LEFT JOIN transactions AS t ON t.id = e.subject_id WHERE t.id IS NULL
    )
    SELECT "table", key, problem FROM found WHERE problem IS NOT NULL ORDER BY position LIMIT 1
"""

# In the order of versions, not of times: a clock may step back (NTP, a failover to another server),
# and honest postings would be named for ever. The kernel counts versions under the wallet's lock.
_WALLETS = """
    WITH chain AS (
        SELECT p.account_id, p.transaction_id, p.balance_after, p.account_version,
            row_number() OVER w AS expected_version,
            sum(CASE p.direction WHEN 'C' THEN p.amount ELSE -p.amount END) OVER w
                AS expected_balance
        FROM postings AS p
        WHERE p.account_id BETWEEN greatest(%(low)s, 1000) AND %(high)s
        WINDOW w AS (PARTITION BY p.account_id
            ORDER BY p.account_version, p.posted_at, p.transaction_id ROWS UNBOUNDED PRECEDING)
    ), last AS (
        SELECT DISTINCT ON (account_id) account_id, transaction_id, expected_balance,
            expected_version
        FROM chain ORDER BY account_id, expected_version DESC
    ), found AS (
        SELECT 'postings' AS "table",
            'account ' || account_id || ', transaction ' || transaction_id AS key,
            CASE WHEN account_version IS DISTINCT FROM expected_version
                THEN 'account_version is ' || coalesce(account_version::text, 'missing')
                    || ', expected ' || expected_version
                ELSE 'balance_after is ' || coalesce(balance_after::text, 'missing')
                    || ', recomputed ' || expected_balance
            END AS problem, account_id, expected_version AS position
        FROM chain WHERE balance_after IS DISTINCT FROM expected_balance
            OR account_version IS DISTINCT FROM expected_version
        UNION ALL
        SELECT 'postings', 'account ' || l.account_id || ', transaction ' || l.transaction_id,
            'posting on an account that does not exist', l.account_id, 0
        FROM last AS l LEFT JOIN accounts AS a ON a.id = l.account_id WHERE a.id IS NULL
        UNION ALL
        SELECT 'accounts', 'account ' || a.id,
            CASE WHEN a.balance <> coalesce(l.expected_balance, 0)
                    THEN 'balance is ' || a.balance || ', recomputed '
                        || coalesce(l.expected_balance, 0)
                WHEN a.version <> coalesce(l.expected_version, 0)
                    THEN 'version is ' || a.version || ', expected '
                        || coalesce(l.expected_version, 0)
                WHEN a.balance < a.floor_cents THEN 'balance ' || a.balance || ' is below the floor'
                WHEN a.user_id IS NOT NULL AND u.id IS NULL
                    THEN 'wallet of a user who does not exist'
                ELSE 'does not fit its code ' || a.code || ' or its status ' || a.status END,
            a.id, coalesce(l.expected_version, 0) + 1
        FROM accounts AS a
        LEFT JOIN last AS l ON l.account_id = a.id
        LEFT JOIN users AS u ON u.id = a.user_id
        WHERE a.id BETWEEN greatest(%(low)s, 1000) AND %(high)s
            AND (a.balance <> coalesce(l.expected_balance, 0)
                OR a.version <> coalesce(l.expected_version, 0)
                OR a.balance < a.floor_cents OR (a.user_id IS NOT NULL AND u.id IS NULL)
                OR (a.code = 'USER_WALLET') <> (a.user_id IS NOT NULL)
                OR a.code NOT IN ('USER_WALLET', 'CHAMA_WALLET')
                OR a.status NOT IN ('active', 'frozen', 'closed')
                OR (a.status = 'closed' AND a.balance <> 0))
    )
    SELECT "table", key, problem FROM found ORDER BY account_id, position LIMIT 1
"""

# Every id that stands anywhere, so that money on an account which nobody opened is named too.
_SYSTEM_ACCOUNTS = """
    WITH chart AS (
        SELECT * FROM unnest(%(ids)s::bigint[], %(codes)s::text[]) AS c (account_id, code)
    ), posted AS (
        SELECT account_id, sum(CASE direction WHEN 'D' THEN amount ELSE -amount END) AS total
        FROM postings WHERE account_id < 1000 GROUP BY account_id
    ), waiting AS (
        SELECT account_id, sum(debits_less_credits) AS total FROM balance_deltas GROUP BY account_id
    ), ids AS (
        SELECT account_id FROM chart UNION SELECT id FROM accounts WHERE id < 1000
        UNION SELECT account_id FROM posted UNION SELECT account_id FROM waiting
        UNION SELECT account_id FROM balance_checkpoints
    ), found AS (
        SELECT i.account_id, x.code,
            CASE WHEN x.code IS NULL THEN 'not a system account of the chart'
                WHEN a.id IS NULL THEN 'the account does not exist'
                WHEN a.code <> x.code THEN 'code is ' || a.code
                WHEN a.status <> 'active' THEN 'status is ' || a.status
                WHEN a.balance <> 0 OR a.version <> 0
                    THEN 'balance ' || a.balance || ' and version ' || a.version || ' instead of 0'
            END AS account_problem,
            CASE WHEN c.account_id IS NULL THEN 'no checkpoint'
                WHEN c.debits_less_credits + coalesce(w.total, 0) <> coalesce(p.total, 0)
                    THEN 'checkpoint and deltas give '
                        || c.debits_less_credits + coalesce(w.total, 0)
                        || ', postings ' || coalesce(p.total, 0)
            END AS checkpoint_problem
        FROM ids AS i
        LEFT JOIN chart AS x ON x.account_id = i.account_id
        LEFT JOIN accounts AS a ON a.id = i.account_id
        LEFT JOIN balance_checkpoints AS c ON c.account_id = i.account_id
        LEFT JOIN waiting AS w ON w.account_id = i.account_id
        LEFT JOIN posted AS p ON p.account_id = i.account_id
    )
    SELECT CASE WHEN account_problem IS NULL THEN 'balance_checkpoints' ELSE 'accounts' END
            AS "table",
        'account ' || account_id || coalesce(' (' || code || ')', '') AS key,
        coalesce(account_problem, checkpoint_problem) AS problem
    FROM found WHERE account_problem IS NOT NULL OR checkpoint_problem IS NOT NULL
    ORDER BY account_id LIMIT 1
"""

_USERS = """
    SELECT 'users' AS "table", 'user ' || u.id AS key, 'no wallet' AS problem
    FROM users AS u LEFT JOIN accounts AS a ON a.user_id = u.id AND a.code = 'USER_WALLET'
    WHERE a.id IS NULL ORDER BY u.id LIMIT 1
"""

# A hold stands on PENDING_WITHDRAWALS (account 2) exactly while its payment has no verdict.
_HOLDS = """
    SELECT 'payments' AS "table",
        coalesce('payment ' || coalesce(y.id, h.payment_id), 'without payment') AS key,
        CASE WHEN y.id IS NULL THEN h.held || ' cents held for a payment that does not exist'
            ELSE 'state ' || y.state || ' but ' || coalesce(h.held, 0) || ' cents held'
        END AS problem
    FROM (
        SELECT t.payment_id, sum(CASE p.direction WHEN 'C' THEN p.amount ELSE -p.amount END) AS held
        FROM postings AS p JOIN transactions AS t ON t.id = p.transaction_id
        WHERE p.account_id = 2 GROUP BY t.payment_id
    ) AS h
    FULL JOIN (SELECT * FROM payments WHERE kind IN ('withdrawal', 'reversal')) AS y
        ON y.id = h.payment_id
    WHERE y.id IS NULL OR coalesce(h.held, 0) <> CASE
        WHEN y.state IN ('created', 'submitting', 'pending', 'unknown') THEN y.amount + y.fee
        ELSE 0 END
    ORDER BY coalesce(y.id, h.payment_id) LIMIT 1
"""

_AUDIT_COVER = """
    WITH covered AS (SELECT range_agg(r) AS ids
        FROM audit_seals AS s CROSS JOIN LATERAL unnest(s.audit_ids) AS r),
    found AS (
        SELECT 'audit_log' AS "table", 'audit row ' || a.id AS key,
            'neither sealed nor waiting for the sealer' AS problem, a.id
        FROM audit_log AS a CROSS JOIN covered AS c
        WHERE NOT coalesce(c.ids @> a.id, false)
            AND NOT EXISTS (SELECT FROM audit_unsealed AS u WHERE u.audit_id = a.id)
        UNION ALL
        SELECT 'audit_unsealed', 'audit row ' || u.audit_id,
            'waits for the sealer but does not exist', u.audit_id
        FROM audit_unsealed AS u LEFT JOIN audit_log AS a ON a.id = u.audit_id WHERE a.id IS NULL
    )
    SELECT "table", key, problem FROM found ORDER BY id LIMIT 1
"""

_SEALS = """
    SELECT s.id, s.row_count, s.batch_hash, s.previous_hash, s.seal_hash,
        found.row_count AS rows_found, found.batch_hash AS batch_found
    FROM audit_seals AS s CROSS JOIN LATERAL (
        SELECT count(*) AS row_count,
            sha256(string_agg(public.audit_digest(a), ''::bytea ORDER BY a.id)) AS batch_hash
        FROM audit_log AS a WHERE s.audit_ids @> a.id
            AND a.id BETWEEN lower(s.audit_ids) AND upper(s.audit_ids)
    ) AS found
    WHERE s.id BETWEEN %(low)s AND %(high)s ORDER BY s.id
"""

# How many rows a chunk reads for one row of the table that it goes by; figures may be forged.
_ROWS_READ = {
    "transactions": "1",
    "accounts": f"1 + least(greatest(version, 0), {CHUNK})::integer",
    "audit_seals": f"1 + least(greatest(row_count, 0), {CHUNK})::integer",
}

_GENESIS = sha256(b"cycle audit").digest()


def findings(connection: Connection, progress: Progress) -> Iterator[Finding]:
    """Run every check on one snapshot and yield the first wrong row of each that fails."""
    yield from _chunked(connection, "transactions", "transactions", _TRANSACTIONS, progress)
    yield from _chunked(connection, "running balances", "accounts", _WALLETS, progress)
    chart = {"ids": list(SystemAccount), "codes": [account.name for account in SystemAccount]}
    for name, query in (
        ("system accounts", _SYSTEM_ACCOUNTS),
        ("users", _USERS),
        ("holds", _HOLDS),
        ("audit rows", _AUDIT_COVER),
    ):
        progress(name, 0, 1)
        row = connection.execute(query, chart).fetchone()
        if row is not None:
            yield Finding(name, row["table"], row["key"], row["problem"])
        progress(name, 1, 1)
    yield from _audit_chain(connection, progress)


def _ranges(connection: Connection, table: str) -> list[tuple[int, int]]:
    """Cut all ids there can be into ranges (first, last) of about CHUNK rows to read.

    The ends are open: what names an id that is not in the table lies in one of the ranges too.
    """
    starts = connection.execute(
        f"SELECT min(id) AS id FROM (SELECT id, sum({_ROWS_READ[table]})"  # noqa: S608
        f" OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) / {CHUNK} AS chunk FROM {table}) AS numbered"
        " GROUP BY chunk ORDER BY 1"
    ).fetchall()
    edges = [_LOWEST, *(row["id"] for row in starts[1:]), _HIGHEST + 1]
    return [(low, high - 1) for low, high in pairwise(edges)]


def _chunked(
    connection: Connection, name: str, table: str, query: str, progress: Progress
) -> Iterator[Finding]:
    ranges = _ranges(connection, table)
    for done, (low, high) in enumerate(ranges):
        progress(name, done, len(ranges))
        row = connection.execute(query, {"low": low, "high": high}).fetchone()
        if row is not None:
            yield Finding(name, row["table"], row["key"], row["problem"])
            break
    progress(name, len(ranges), len(ranges))


def _audit_chain(connection: Connection, progress: Progress) -> Iterator[Finding]:
    name = "audit chain"
    ranges = _ranges(connection, "audit_seals")
    previous, expected_id = _GENESIS, 1
    for done, (low, high) in enumerate(ranges):
        progress(name, done, len(ranges))
        for seal in connection.execute(_SEALS, {"low": low, "high": high}):
            problem = _seal_problem(seal, previous, expected_id)
            if problem is not None:
                yield Finding(name, "audit_seals", f"seal {seal['id']}", problem)
                progress(name, len(ranges), len(ranges))
                return
            previous, expected_id = bytes(seal["seal_hash"]), expected_id + 1
    progress(name, len(ranges), len(ranges))


def _seal_problem(seal: dict[str, object], previous: bytes, expected_id: int) -> str | None:
    if seal["id"] != expected_id:
        return f"seal {expected_id} is missing"
    if seal["rows_found"] != seal["row_count"]:
        return f"covers {seal['row_count']} audit rows, {seal['rows_found']} found"
    if seal["batch_found"] != seal["batch_hash"]:
        return "an audit row that it covers was changed"
    if seal["previous_hash"] != previous:
        return "does not continue the seal before"
    chained = sha256(previous + bytes(seal["batch_hash"]) + str(seal["id"]).encode()).digest()  # type: ignore[call-overload]
    if seal["seal_hash"] != chained:
        return "its own hash does not recompute"
    return None
