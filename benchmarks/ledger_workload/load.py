"""Fills a ledger in bulk for `benchmarks/ledger.py`: customers with money and a past."""

from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from ledger.core.rules import Limit
from ledger.db import rules
from ledger.db.migrate import upgrade

USERS = 5_000
FIRST_ID = 1_000
"""Of customers and of their wallets alike."""
DEPOSIT_CENTS = 1_000_000
START_SECONDS = 5.0
"""How long processes and connections may take before a measurement begins."""

_PEOPLE = """
    INSERT INTO users (id, msisdn, msisdn_hash, first_name, last_name, language, pin_hash,
        consent_version, consent_channel)
    SELECT %(first)s + i, '+2547' || lpad(i::text, 8, '0'), i::text, 'Jane', 'Wanjiru', 'en',
        'none', '1', 'ussd' FROM generate_series(0, %(users)s - 1) AS i
"""
_WALLETS = """
    INSERT INTO accounts (id, code, user_id, number, name, normal_side, balance, version)
    SELECT u.id, 'USER_WALLET', u.id, 'W' || u.id, 'Jane Wanjiru', 'C', n.versions * %(cents)s,
        n.versions
    FROM users AS u CROSS JOIN LATERAL (SELECT
        %(transactions)s::bigint / %(users)s
            + CASE WHEN u.id - %(first)s < %(transactions)s::bigint %% %(users)s THEN 1 ELSE 0 END
        AS versions) AS n
"""
_TRANSACTIONS = """
    INSERT INTO transactions (id, created_at, receipt, kind, source, reference, request_digest,
        actor, channel, details) OVERRIDING SYSTEM VALUE
    SELECT i + 1, now() - interval '25 days' * (1 - i::float8 / %(transactions)s),
        'Z' || lpad(i::text, 9, '0'), 'deposit', 'load', i::text, '\\x00', 'system:load', 'system',
        '{"request": {}, "from": {"name": "M-Pesa", "msisdn": ""}}'
    FROM generate_series(0, %(transactions)s - 1) AS i
"""
_POSTINGS = """
    INSERT INTO postings (account_id, posted_at, transaction_id, direction, amount, balance_after,
        account_version)
    SELECT leg.account_id, t.created_at, t.id, leg.direction, %(cents)s, leg.version * %(cents)s,
        leg.version
    FROM transactions AS t CROSS JOIN LATERAL (VALUES
        (1::bigint, 'D', NULL::bigint),
        (%(first)s + (t.id - 1) %% %(users)s, 'C', (t.id - 1) / %(users)s + 1)
    ) AS leg (account_id, direction, version)
"""
# One each, so that plans are made for a table of payments that is not empty.
_PAYMENTS = """
    INSERT INTO payments (user_id, amount, transaction_id, kind, state, msisdn, token,
        account_reference, source, reference, channel)
    SELECT %(first)s + i, %(cents)s, i + 1, 'deposit', 'completed',
        '+2547' || lpad(i::text, 8, '0'), 'load ' || i, 'Z' || lpad(i::text, 9, '0'), 'load',
        i::text, 'ussd'
    FROM generate_series(0, %(users)s - 1) AS i
"""
_AUDIT = """
    WITH entries AS (
        INSERT INTO audit_log (at, subject_id, actor, channel, action, subject_type, new_values)
        SELECT t.created_at, t.id, t.actor, t.channel, 'transaction.posted', 'transaction',
            jsonb_build_object('kind', t.kind, 'receipt', t.receipt,
                'accounts', ARRAY[1, %(first)s + (t.id - 1) %% %(users)s],
                'debits', ARRAY[%(cents)s, -%(cents)s])
        FROM transactions AS t
        RETURNING id
    )
    INSERT INTO audit_unsealed (audit_id) SELECT id FROM entries
"""


@dataclass(frozen=True)
class Weight:
    """What stands written so far: bytes of WAL and of tables, and transactions."""

    wal: int
    disk: int
    transactions: int


def msisdn(number: int) -> str:
    """Return the number of a customer, counted from 0."""
    return f"+2547{number:08d}"


def fill(owner_url: str, superuser_url: str, postings: int) -> None:
    """Create the tables and fill them with past deposits, two postings each.

    The triggers that judge statements of the kernel are off meanwhile, hence the superuser.
    """
    upgrade(owner_url)
    figures = {
        "first": FIRST_ID,
        "users": USERS,
        "cents": DEPOSIT_CENTS,
        "transactions": postings // 2,
    }
    with psycopg.connect(superuser_url) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in (_PEOPLE, _WALLETS, _TRANSACTIONS, _POSTINGS, _PAYMENTS, _AUDIT):
            connection.execute(statement, figures)
        connection.execute(
            "UPDATE balance_checkpoints SET debits_less_credits = %s WHERE account_id = 1",
            (postings // 2 * DEPOSIT_CENTS,),
        )
        connection.execute(
            "SELECT setval(pg_get_serial_sequence('transactions', 'id'), %s)", (postings // 2,)
        )
        _lift_limits(connection)
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _lift_limits(connection: psycopg.Connection) -> None:
    """Let the few customers of a benchmark move what a hundred thousand would."""
    wide = Limit(1, 10**14, 10**14)
    for kind in ("transfer", "withdrawal", "wallet"):
        rules.set_limit(
            connection,  # type: ignore[arg-type]  # rows are not read
            kind,
            wide,
            valid_from=datetime.now(UTC),
            set_by="system:bench",
        )


def weight(connection: psycopg.Connection) -> Weight:
    """Return what stands written so far."""
    row = connection.execute(
        "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint,"
        " pg_database_size(current_database()), (SELECT max(id) FROM transactions)"
    ).fetchone()
    assert row is not None
    return Weight(*row)


def upkeep(connection: psycopg.Connection) -> int:
    """Fold and seal all that waits; return the rows."""
    total = 0
    for function in ("fold_balance_deltas", "seal_audit"):
        while True:
            row = connection.execute(f"SELECT {function}(10000)").fetchone()
            assert row is not None
            if row[0] == 0:
                break
            total += row[0]
    return total
