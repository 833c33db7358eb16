"""A day of a million M-Pesa rows against a million ledger transactions, 400 of them wrong.

The baseline is PostgreSQL's own full outer join of the two receipt columns, nothing else, on
the same data. Prints whether exactly the planted mismatches were found, twice in a row, the
time as a ratio to the baseline (goal: at most 3), and what Python's memory grew by.
``--rows N`` plays a smaller day.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ledger.commands import reconcile  # noqa: E402 - found from the checkout's root
from ledger.core.reconciliation import RunKind, Window, window_of_day  # noqa: E402
from ledger.core.rules import nairobi_day  # noqa: E402
from ledger.db.engine import Database  # noqa: E402
from ledger.db.migrate import upgrade  # noqa: E402
from ledger.queries.reconciliation import items  # noqa: E402
from standin.engines import postgres  # noqa: E402
from standin.processes import Supervisor  # noqa: E402

ROUNDS = 3
PLANTED = {
    "missing_ledger": 80,
    "missing_callback": 80,
    "amount_mismatch": 80,
    "status_mismatch": 60,
    "missing_external": 60,
    "duplicate_receipt": 39,
    "control_total": 1,
}
# Row i of the day is deposit i with receipt R<i>; the first rows are the planted ones, in order.


def main() -> None:
    """Seed the day, run, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder, Supervisor(Path(folder) / "log") as supervisor:
        engine = postgres(
            Path(folder) / "postgres",
            durable=False,
            settings={"shared_buffers": "512MB", "max_wal_size": "4GB"},
        )
        supervisor.start(engine.program)
        upgrade(engine.url)
        window = window_of_day(nairobi_day(datetime.now(UTC)) - timedelta(days=1))
        seed(engine.url, rows, window)
        compare(engine.url, rows, window)


def seed(url: str, rows: int, window: Window) -> None:
    """Write the day: straight into the tables, as a million calls would take an hour."""
    planted = [0]
    for number in PLANTED.values():
        planted.append(planted[-1] + number)
    lost, silent, amounts, statuses, forged, doubled, _ = planted[1:]
    values = {
        "rows": rows,
        "start": window.start,
        "end": window.end,
        "lost": lost,
        "silent": silent,
        "amounts": amounts,
        "statuses": statuses,
        "forged": forged,
        "doubled": doubled,
    }
    with psycopg.connect(url) as connection:
        connection.execute("SET work_mem = '256MB'")
        for table in ("users", "accounts", "transactions", "postings", "payments"):
            connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        for table in ("mpesa_records", "statement_uploads", "float_readings"):
            connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        # It takes one transaction a statement, as the kernel writes them.
        connection.execute("ALTER TABLE postings DISABLE TRIGGER postings_sum_to_zero")
        for statement in STATEMENTS:
            connection.execute(statement.encode(), values)
            print(".", end="", flush=True, file=sys.stderr)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    print(" seeded", file=sys.stderr)


STATEMENTS = (
    """CREATE TEMPORARY TABLE day AS
    SELECT i, 'R' || lpad(i::text, 9, '0') AS receipt, (100 + i %% 5000) * 100 AS amount,
        %(start)s::timestamptz + interval '1 hour' + i * (interval '20 hours' / %(rows)s) AS at
    FROM generate_series(1, %(rows)s) AS i""",
    """INSERT INTO users (id, msisdn, msisdn_hash, first_name, last_name, language, pin_hash,
        consent_version, consent_channel)
    VALUES (1000, '+254712345678', 'x', 'Jane', 'Wanjiru', 'en', 'x', '1', 'ussd')""",
    """INSERT INTO accounts (id, code, user_id, number, name, normal_side, balance)
    VALUES (1000, 'USER_WALLET', 1000, 'W712345678', 'Jane Wanjiru', 'C', 0)""",
    # The first are unknown to us, the next wait for a callback, some failed here, some were
    # credited by two transactions.
    """CREATE TEMPORARY TABLE moved AS
    SELECT day.i, day.i + twin.n * %(rows)s AS id, day.amount,
        day.at + twin.n * interval '1 second' AS at
    FROM day CROSS JOIN generate_series(0, CASE WHEN day.i > %(forged)s AND day.i <= %(doubled)s
        THEN 1 ELSE 0 END) AS twin (n)
    WHERE day.i > %(amounts)s - 80 AND NOT (day.i > %(amounts)s AND day.i <= %(statuses)s)""",
    """INSERT INTO transactions (id, payment_id, receipt, kind, source, reference, request_digest,
        actor, channel)
    OVERRIDING SYSTEM VALUE
    SELECT id, i, translate(lpad(id::text, 10, '0'), '01', 'ZY'), 'deposit', 'mpesa',
        'payment:' || id, '\\x00', 'system:mpesa', 'system'
    FROM moved""",
    """INSERT INTO postings (account_id, posted_at, transaction_id, amount, balance_after,
        account_version, direction)
    SELECT side.account_id, moved.at, moved.id, moved.amount,
        CASE side.account_id WHEN 1000 THEN 0 END, CASE side.account_id WHEN 1000 THEN 1 END,
        side.direction
    FROM moved CROSS JOIN (VALUES (1, 'D'), (1000, 'C')) AS side (account_id, direction)""",
    """INSERT INTO payments (id, user_id, amount, transaction_id, created_at, submitted_at, kind,
        state, token, account_reference, source, reference, channel, mpesa_receipt, settled_by)
    OVERRIDING SYSTEM VALUE
    SELECT i, 1000, amount,
        CASE WHEN i > %(statuses)s OR (i > %(silent)s AND i <= %(amounts)s) THEN i END, at, at,
        'deposit',
        CASE WHEN i <= %(silent)s THEN 'pending' WHEN i > %(amounts)s AND i <= %(statuses)s
            THEN 'failed' ELSE 'completed' END,
        md5(i::text), 'A' || i, 'seed', i::text, 'ussd',
        CASE WHEN i > %(silent)s THEN receipt END, 'callback'
    FROM day WHERE i > %(lost)s""",
    """INSERT INTO mpesa_records (source, receipt, amount, occurred_at)
    SELECT 'statement', receipt, CASE WHEN i > %(silent)s AND i <= %(amounts)s
        THEN amount + 100 ELSE amount END, at
    FROM day
    WHERE (i <= %(lost)s OR i > %(silent)s) AND NOT (i > %(statuses)s AND i <= %(forged)s)""",
    """INSERT INTO statement_uploads (covers_from, covers_to, row_count, opening_balance,
        closing_balance, moved, filename, body_digest, uploaded_by)
    VALUES (%(start)s, %(end)s, %(rows)s, 0, 100, 200, 'portal.csv', '\\x00', 'admin:1')""",
)


def compare(url: str, rows: int, window: Window) -> None:
    """Time the baseline and the runs in turns, and check what was found."""
    database = Database(url, pin_pepper="benchmark" * 8)
    database.open()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    joins, runs = [], []
    for number in range(ROUNDS):
        joins.append(baseline(url))
        started = time.monotonic()
        run_id = reconcile.request(database, reconcile.SYSTEM, RunKind.MPESA, window)
        run = reconcile.perform(database, run_id)
        runs.append(time.monotonic() - started)
        exact = run.found == PLANTED
        print(
            f"run {number + 1}: {run.state}, exactly the planted {sum(PLANTED.values())}: {exact}"
        )
        if not exact:
            print(f"  found {run.found}, problem {run.problem}")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    kept = len(items(database, reconcile.SYSTEM, "pending", limit=10_000))
    database.close()
    join, run_seconds = statistics.median(joins), statistics.median(runs)
    print(f"{rows} rows: join {join:.2f} s, reconciliation {run_seconds:.2f} s")
    print(f"ratio {run_seconds / join:.2f} (goal: at most 3), {kept} items kept")
    print(f"Python's memory grew by {grown / 1024:.1f} MiB")


def baseline(url: str) -> float:
    """Return how long PostgreSQL takes to join the two keys and count what is alone."""
    with psycopg.connect(url) as connection:
        connection.execute("SET work_mem = '256MB'")
        connection.execute("SET jit = off")
        started = time.monotonic()
        connection.execute(
            "SELECT count(*) FILTER (WHERE y.id IS NULL OR r.id IS NULL)"
            " FROM mpesa_records AS r FULL JOIN payments AS y ON y.mpesa_receipt = r.receipt"
        )
        return time.monotonic() - started


if __name__ == "__main__":
    main()
