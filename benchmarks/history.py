"""What a page of history costs, early and late, in a short and in a long one.

Wallets of 1,000 and of 1,000,000 movements, read by their owner through the same query that
USSD, SMS and the API use. The baseline is page 1 of the short wallet: goal, every page
of every wallet costs about the same (at most 1.5 times), since a page starts at a key and not
at an offset. Also prints what the same page costs by OFFSET.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ledger.core.context import Context  # noqa: E402 - found from the checkout's root
from ledger.db.engine import Database  # noqa: E402
from ledger.db.migrate import upgrade  # noqa: E402
from ledger.db.movements import MovementCursor  # noqa: E402
from ledger.queries import transactions  # noqa: E402
from standin.engines import postgres  # noqa: E402
from standin.processes import Supervisor  # noqa: E402

PAGE = 50
ROUNDS = 200
SHORT, LONG = 1_000, 1_000_000
WALLETS = {1000: SHORT, 1001: LONG}
_BEGUN = datetime.now(UTC) - timedelta(days=1)
_STEP = timedelta(hours=20) / LONG
_TIMES = {"begun": _BEGUN, "step": _STEP}

STATEMENTS = (
    """INSERT INTO users (id, msisdn, msisdn_hash, first_name, last_name, language, pin_hash,
        consent_version, consent_channel)
    VALUES (%(wallet)s, '+25471234' || %(wallet)s, 'x' || %(wallet)s, 'Jane', 'Wanjiru', 'en', 'x',
        '1', 'ussd')""",
    """INSERT INTO accounts (id, code, user_id, number, name, normal_side, balance)
    VALUES (%(wallet)s, 'USER_WALLET', %(wallet)s, 'W' || %(wallet)s, 'Jane Wanjiru', 'C', 0)""",
    """INSERT INTO transactions (id, receipt, kind, source, reference, request_digest, actor,
        channel)
    OVERRIDING SYSTEM VALUE
    SELECT %(first)s + i, translate(lpad((%(first)s + i)::text, 10, '0'), '01', 'ZY'), 'deposit',
        'mpesa', %(wallet)s || ':' || i, '\\x00', 'system:mpesa', 'system'
    FROM generate_series(1, %(rows)s) AS i""",
    """INSERT INTO postings (account_id, posted_at, transaction_id, amount, balance_after,
        account_version, direction)
    SELECT side.account_id, %(begun)s + i * %(step)s, %(first)s + i, 100,
        CASE WHEN side.account_id >= 1000 THEN i * 100 END,
        CASE WHEN side.account_id >= 1000 THEN i END, side.direction
    FROM generate_series(1, %(rows)s) AS i
    CROSS JOIN (VALUES (1, 'D'), (%(wallet)s, 'C')) AS side (account_id, direction)""",
)
_BY_OFFSET = """
    SELECT p.transaction_id, t.receipt FROM postings AS p
    JOIN transactions AS t ON t.id = p.transaction_id WHERE p.account_id = %s
    ORDER BY p.posted_at DESC, p.transaction_id DESC LIMIT %s OFFSET %s
"""


def main() -> None:
    """Seed two wallets, read pages, and print."""
    with tempfile.TemporaryDirectory() as folder, Supervisor(Path(folder) / "log") as supervisor:
        engine = postgres(
            Path(folder) / "postgres",
            durable=False,
            settings={"shared_buffers": "512MB", "max_wal_size": "4GB"},
        )
        supervisor.start(engine.program)
        upgrade(engine.url)
        seed(engine.url)
        database = Database(engine.url, pin_pepper="benchmark" * 8)
        database.open()
        try:
            compare(database, engine.url)
        finally:
            database.close()


def seed(url: str) -> None:
    """Write the movements straight into the tables, as a million calls would take an hour."""
    with psycopg.connect(url) as connection:
        for table in ("users", "accounts", "transactions", "postings"):
            connection.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        # It takes one transaction a statement, as the kernel writes them.
        connection.execute("ALTER TABLE postings DISABLE TRIGGER postings_sum_to_zero")
        first = 0
        for wallet, rows in WALLETS.items():
            values = {
                "wallet": wallet,
                "rows": rows,
                "first": first,
                "begun": _BEGUN,
                "step": _STEP,
            }
            for statement in STATEMENTS:
                connection.execute(statement.encode(), values)
            first += rows
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def compare(database: Database, url: str) -> None:
    """Time pages in turns and print them as ratios to the first page of the short wallet."""
    pages = {
        "1,000 movements, page 1": (1000, SHORT, 1),
        "1,000 movements, page 20": (1000, SHORT, SHORT // PAGE),
        "1,000,000 movements, page 1": (1001, LONG, 1),
        "1,000,000 movements, page 10,000": (1001, LONG, 10_000),
        "1,000,000 movements, page 20,000": (1001, LONG, LONG // PAGE),
    }
    seconds: dict[str, list[float]] = {name: [] for name in pages}
    for _ in range(ROUNDS):
        for name, place in pages.items():
            seconds[name].append(timed(partial(read, database, *place)))
    baseline = statistics.median(seconds["1,000 movements, page 1"])
    for name, measured in seconds.items():
        middle = statistics.median(measured)
        print(f"{name}: {middle * 1000:.2f} ms, ratio {middle / baseline:.2f}")
    with psycopg.connect(url) as connection:
        offset = timed(
            lambda: connection.execute(_BY_OFFSET, (1001, PAGE, 9_999 * PAGE)).fetchall()
        )
    print(f"page 10,000 by OFFSET: {offset * 1000:.0f} ms, ratio {offset / baseline:.0f}")


def read(database: Database, wallet: int, rows: int, number: int) -> None:
    """Read page ``number`` of a wallet as its owner, from the key of the row before it."""
    newest = rows - (number - 1) * PAGE
    # Ids rise with time in both wallets, so any id serves beside a time that is nobody's.
    cursor: MovementCursor = (_BEGUN + newest * _STEP + _STEP / 2, 0)
    owner = Context.of_user(wallet, "api")
    found = transactions.page(
        database, owner, wallet, transactions.Wanted(), limit=PAGE, cursor=cursor
    )
    assert found[0].balance_after == newest * 100
    assert len(found) == PAGE


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that work takes."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


if __name__ == "__main__":
    main()
