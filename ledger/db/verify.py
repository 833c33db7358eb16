"""SQL that recomputes the whole ledger and names the first row that is wrong.

Everything runs in one REPEATABLE READ snapshot, so a live database verifies as it stood at
one moment. Each check reads in chunks of accounts, transactions or seals: constant memory.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from ledger.db.engine import Connection

CHUNK = 20_000
_SEAL_CHUNK = 20

Progress = Callable[[str, int, int], None]
"""Called with a check's name, chunks done and chunks in all."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The first row that a check found wrong: where it stands, and what is wrong with it."""

    check: str
    table: str
    key: str
    problem: str


def _ranges(connection: Connection, table: str, size: int) -> list[tuple[int, int]]:
    row = connection.execute(
        f"SELECT coalesce(min(id), 1) AS low, coalesce(max(id), 0) AS high FROM {table}"  # noqa: S608
    ).fetchone()
    assert row is not None
    return [(low, low + size) for low in range(row["low"], row["high"] + 1, size)]


# Each query returns at most one row: the table, the key and the problem of the first wrong row.
_TRANSACTIONS = """
    WITH sums AS (
        SELECT p.transaction_id, count(*) AS postings,
            sum(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END) AS total,
            array_agg(p.account_id ORDER BY p.account_id) AS accounts,
            array_agg(CASE p.direction WHEN 'D' THEN p.amount ELSE -p.amount END
                ORDER BY p.account_id) AS debits
        FROM postings AS p WHERE p.transaction_id >= %(low)s AND p.transaction_id < %(high)s
        GROUP BY p.transaction_id
    ), entries AS (
        SELECT a.id, a.subject_id, a.new_values FROM audit_log AS a
        WHERE a.subject_type = 'transaction' AND a.action = 'transaction.posted'
            AND a.subject_id >= %(low)s AND a.subject_id < %(high)s
    ), found AS (
        SELECT 'postings' AS "table", 'transaction ' || s.transaction_id AS key,
            CASE WHEN t.id IS NULL THEN 'postings of a transaction that does not exist'
                WHEN s.total <> 0 THEN 'postings sum to ' || s.total || ' cents instead of 0'
                WHEN s.postings < 2 THEN 'fewer than two postings'
                WHEN e.id IS NULL THEN 'no audit row'
                WHEN e.new_values -> 'accounts' <> to_jsonb(s.accounts)
                    OR e.new_values -> 'debits' <> to_jsonb(s.debits)
                    THEN 'postings differ from audit row ' || e.id
            END AS problem, s.transaction_id AS position
        FROM sums AS s
        LEFT JOIN transactions AS t ON t.id = s.transaction_id
        LEFT JOIN entries AS e ON e.subject_id = s.transaction_id
        UNION ALL
        SELECT 'transactions', 'transaction ' || t.id,
            CASE WHEN s.transaction_id IS NULL THEN 'no postings'
                WHEN t.receipt IS DISTINCT FROM e.new_values ->> 'receipt'
                    OR t.kind IS DISTINCT FROM e.new_values ->> 'kind'
                    THEN 'receipt or kind differs from audit row ' || e.id
                WHEN r.reverses_id IS NOT NULL THEN 'reverses a reversal'
            END, t.id
        FROM transactions AS t
        LEFT JOIN sums AS s ON s.transaction_id = t.id
        LEFT JOIN entries AS e ON e.subject_id = t.id
        LEFT JOIN transactions AS r ON r.id = t.reverses_id
        WHERE t.id >= %(low)s AND t.id < %(high)s
    )
    SELECT "table", key, problem FROM found WHERE problem IS NOT NULL ORDER BY position LIMIT 1
"""

_WALLETS = """
    WITH chain AS (
        SELECT p.account_id, p.transaction_id, p.posted_at, p.balance_after, p.account_version,
            row_number() OVER w AS expected_version,
            sum(CASE WHEN p.direction = a.normal_side THEN p.amount ELSE -p.amount END) OVER w
                AS expected_balance
        FROM postings AS p JOIN accounts AS a ON a.id = p.account_id
        WHERE p.account_id >= greatest(%(low)s, 1000) AND p.account_id < %(high)s
        WINDOW w AS (PARTITION BY p.account_id ORDER BY p.posted_at, p.transaction_id)
    ), last AS (
        SELECT DISTINCT ON (account_id) account_id, expected_balance, expected_version
        FROM chain ORDER BY account_id, expected_version DESC
    ), found AS (
        SELECT 'postings' AS "table",
            'account ' || account_id || ', transaction ' || transaction_id AS key,
            CASE WHEN balance_after <> expected_balance
                THEN 'balance_after is ' || balance_after || ', recomputed ' || expected_balance
                ELSE 'account_version is ' || account_version || ', expected ' || expected_version
            END AS problem, account_id, expected_version AS position
        FROM chain WHERE balance_after <> expected_balance OR account_version <> expected_version
        UNION ALL
        SELECT 'accounts', 'account ' || a.id,
            CASE WHEN a.balance <> coalesce(l.expected_balance, 0)
                    THEN 'balance is ' || a.balance || ', recomputed '
                        || coalesce(l.expected_balance, 0)
                WHEN a.version <> coalesce(l.expected_version, 0)
                    THEN 'version is ' || a.version || ', expected '
                        || coalesce(l.expected_version, 0)
                WHEN a.balance < a.floor_cents THEN 'balance ' || a.balance || ' is below the floor'
                ELSE 'wallet of a user who does not exist' END,
            a.id, coalesce(l.expected_version, 0) + 1
        FROM accounts AS a
        LEFT JOIN last AS l ON l.account_id = a.id
        LEFT JOIN users AS u ON u.id = a.user_id
        WHERE a.id >= greatest(%(low)s, 1000) AND a.id < %(high)s
            AND (a.balance <> coalesce(l.expected_balance, 0)
                OR a.version <> coalesce(l.expected_version, 0)
                OR a.balance < a.floor_cents OR (a.user_id IS NOT NULL AND u.id IS NULL))
    )
    SELECT "table", key, problem FROM found ORDER BY account_id, position LIMIT 1
"""

_CHECKPOINTS = """
    SELECT 'balance_checkpoints' AS "table", 'account ' || a.id || ' (' || a.code || ')' AS key,
        CASE WHEN c.account_id IS NULL THEN 'no checkpoint'
            ELSE 'checkpoint and deltas give ' || c.debits_less_credits + coalesce(d.total, 0)
                || ', postings ' || coalesce(p.total, 0) END AS problem
    FROM accounts AS a
    LEFT JOIN balance_checkpoints AS c ON c.account_id = a.id
    LEFT JOIN (SELECT account_id, sum(debits_less_credits) AS total FROM balance_deltas
        GROUP BY account_id) AS d ON d.account_id = a.id
    LEFT JOIN (SELECT account_id, sum(CASE direction WHEN 'D' THEN amount ELSE -amount END) AS total
        FROM postings WHERE account_id < 1000 GROUP BY account_id) AS p ON p.account_id = a.id
    WHERE a.id < 1000 AND (c.account_id IS NULL
        OR c.debits_less_credits + coalesce(d.total, 0) <> coalesce(p.total, 0))
    ORDER BY a.id LIMIT 1
"""

_USERS = """
    SELECT 'users' AS "table", 'user ' || u.id AS key, 'no wallet' AS problem
    FROM users AS u LEFT JOIN accounts AS a ON a.user_id = u.id AND a.code = 'USER_WALLET'
    WHERE a.id IS NULL ORDER BY u.id LIMIT 1
"""

# A hold stands on PENDING_WITHDRAWALS (account 2) exactly while its payment has no verdict.
_HOLDS = """
    SELECT 'payments' AS "table", 'payment ' || coalesce(y.id, h.payment_id) AS key,
        CASE WHEN y.id IS NULL THEN 'a hold of a payment that does not exist'
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
        (SELECT count(*) FROM audit_log AS a WHERE s.audit_ids @> a.id
            AND a.id BETWEEN lower(s.audit_ids) AND upper(s.audit_ids)) AS rows_found,
        (SELECT sha256(string_agg(public.audit_digest(a), ''::bytea ORDER BY a.id))
            FROM audit_log AS a WHERE s.audit_ids @> a.id
            AND a.id BETWEEN lower(s.audit_ids) AND upper(s.audit_ids)) AS batch_found
    FROM audit_seals AS s WHERE s.id >= %(low)s AND s.id < %(high)s ORDER BY s.id
"""

_GENESIS = sha256(b"cycle audit").digest()


def findings(connection: Connection, progress: Progress) -> Iterator[Finding]:
    """Run every check on one snapshot and yield the first wrong row of each that fails."""
    yield from _chunked(connection, "transactions", "transactions", _TRANSACTIONS, progress)
    yield from _chunked(connection, "running balances", "accounts", _WALLETS, progress)
    for name, query in (
        ("checkpoints", _CHECKPOINTS),
        ("users", _USERS),
        ("holds", _HOLDS),
        ("audit rows", _AUDIT_COVER),
    ):
        progress(name, 0, 1)
        row = connection.execute(query).fetchone()
        if row is not None:
            yield Finding(name, row["table"], row["key"], row["problem"])
        progress(name, 1, 1)
    yield from _audit_chain(connection, progress)


def _chunked(
    connection: Connection, name: str, table: str, query: str, progress: Progress
) -> Iterator[Finding]:
    ranges = _ranges(connection, table, CHUNK)
    for done, (low, high) in enumerate(ranges):
        progress(name, done, len(ranges))
        row = connection.execute(query, {"low": low, "high": high}).fetchone()
        if row is not None:
            yield Finding(name, row["table"], row["key"], row["problem"])
            break
    progress(name, len(ranges), len(ranges))


def _audit_chain(connection: Connection, progress: Progress) -> Iterator[Finding]:
    name = "audit chain"
    ranges = _ranges(connection, "audit_seals", _SEAL_CHUNK)
    previous, expected_id = _GENESIS, 1
    for done, (low, high) in enumerate(ranges):
        progress(name, done, len(ranges))
        for seal in connection.execute(_SEALS, {"low": low, "high": high}):
            problem = _seal_problem(seal, previous, expected_id)
            if problem is not None:
                yield Finding(name, "audit_seals", f"seal {seal['id']}", problem)
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
