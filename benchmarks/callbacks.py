"""M-Pesa callbacks: how fast they are accepted, how fast settled, and what tokens cost.

Accepted: stored durably and answered, at 32 connections, as a ratio to a bare Flask handler on
granian's 16 WSGI threads that inserts one row; goal at least 0.8. Settled: credited by two
workers, as a ratio to two processes that post the same deposits straight into the ledger; goal
at least 0.3.
Token: 1,000 requests by 8 clients, counted OAuth calls; goal 1.
"""

import http.client
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import requests
import structlog
from redis import Redis

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.bare_server import served_bare  # noqa: E402 - found from the checkout's root
from jobs.clients.mpesa import stk_query  # noqa: E402
from jobs.clients.mpesa.account import DarajaAccount  # noqa: E402
from jobs.clients.mpesa.transport import Daraja  # noqa: E402
from jobs.queue import Task, ring  # noqa: E402
from ledger.core.chart import Kind, SystemAccount  # noqa: E402
from ledger.core.context import Context  # noqa: E402
from ledger.core.people import NewUser  # noqa: E402
from ledger.core.plans import Plan, moving  # noqa: E402
from ledger.db import kernel, users  # noqa: E402
from ledger.db.engine import Database  # noqa: E402
from ledger.db.migrate import upgrade  # noqa: E402
from standin.development import DevelopmentSecrets, environment  # noqa: E402
from standin.engines import postgres, redis_server  # noqa: E402
from standin.processes import Program, Supervisor, free_port  # noqa: E402
from standin.procfile import read_procfile, shell_command  # noqa: E402
from tests.gateway import Gateway  # noqa: E402

CONNECTIONS = 32
REQUESTS = 3200
DEPOSITS = 1500
CUSTOMERS = 300
ROUNDS = 3
BARE = """
import os
import psycopg_pool
from flask import Flask, request

pool = psycopg_pool.ConnectionPool(
    os.environ["DATABASE_URL"], min_size=1, max_size=20, kwargs={"autocommit": True}, open=True
)
app = Flask(__name__)


@app.post("/hooks/stk/<token>")
def take(token):
    with pool.connection() as connection:
        connection.execute("INSERT INTO bare_callbacks (body) VALUES (%s)", (request.get_data(),))
    return {"ResultCode": 0, "ResultDesc": "Accepted"}
"""


def body_of(checkout: str, msisdn: str, receipt: str, shillings: int = 100) -> bytes:
    """Return a success stkCallback."""
    items = {
        "Amount": shillings,
        "MpesaReceiptNumber": receipt,
        "TransactionDate": 20261123121530,
        "PhoneNumber": int(msisdn.removeprefix("+")),
    }
    callback = {
        "MerchantRequestID": "29115-34620561-1",
        "CheckoutRequestID": checkout,
        "ResultCode": 0,
        "ResultDesc": "The service request is processed successfully.",
        "CallbackMetadata": {"Item": [{"Name": k, "Value": v} for k, v in items.items()]},
    }
    return json.dumps({"Body": {"stkCallback": callback}}).encode()


def post_many(url: str, first: int, count: int) -> None:
    """Post callbacks over one kept connection."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port)
    for number in range(first, first + count):
        body = body_of(f"ws_CO_{number}", "+254712000000", f"TK{number:08d}")
        connection.request(
            "POST",
            f"/hooks/stk/{number:032x}",
            body=body,
            headers={"Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(answer.status)
    connection.close()


def accepted_rate(url: str, first: int) -> float:
    """Return callbacks a second over all connections."""
    each = REQUESTS // CONNECTIONS
    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        work = [pool.submit(post_many, url, first + n * each, each) for n in range(CONNECTIONS)]
        for one in work:
            one.result()
    return REQUESTS / (time.perf_counter() - started)


def measure_accepting(supervisor: Supervisor, folder: Path, variables: dict[str, str]) -> None:
    """Compare the hook with a bare handler on threads."""
    (folder / "bare_handler.py").write_text(BARE)
    with psycopg.connect(variables["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE bare_callbacks (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " body bytea NOT NULL)"
        )
    command = read_procfile(ROOT / "Procfile")["web"]
    bare = served_bare("bare_handler:app")
    urls = {}
    for name, line, path in (("hook", command, ROOT), ("bare", bare, folder)):
        port = free_port()
        urls[name] = f"http://127.0.0.1:{port}"
        own = variables | {"PORT": str(port), "PYTHONPATH": f"{ROOT}{os.pathsep}{path}"}
        ready = answering(urls[name])
        supervisor.start(Program(name, shell_command(line), own, ROOT, ready=ready))
    rates: dict[str, list[float]] = {"bare": [], "hook": []}
    for number in range(ROUNDS + 1):
        for name, url in urls.items():
            rate = accepted_rate(url, number * REQUESTS)
            if number:  # the first round warms up
                rates[name].append(rate)
    base, ours = (statistics.median(rates[name]) for name in ("bare", "hook"))
    print(f"bare Flask, one insert     {base:>7.0f}/s  1.00 x")
    print(f"callback hook              {ours:>7.0f}/s  {ours / base:.2f} x   goal 0.80 x")
    for name in urls:
        supervisor.stop(name)


def answering(url: str):  # type: ignore[no-untyped-def]
    """Return a question whether a server answers at all."""

    def ready() -> bool:
        try:
            requests.post(f"{url}/hooks/stk/warm", data=b"{}", timeout=1)
        except requests.RequestException:
            return False
        return True

    return ready


def make_customers(database: Database) -> list[int]:
    """Register people; returns their wallets' ids."""
    context = Context.of_system("benchmark")
    wallets = []
    with database.transaction(context) as connection:
        for number in range(CUSTOMERS):
            new = NewUser(f"+2547120{number:05d}", "Jane", "Wanjiru", "en", "1", "ussd")
            user_id = users.insert(connection, new, "no PIN")
            assert user_id is not None
            user = users.get(connection, user_id)
            assert user is not None
            wallets.append(user.wallet_account_id)
    return wallets


def post_directly(url: str, wallets: list[int], first: int, count: int) -> None:
    """Post deposits with the kernel alone."""
    database = Database(url, pin_pepper="p" * 32)
    database.open()
    context = Context.of_system("benchmark")
    for number in range(first, first + count):
        wallet = wallets[number % len(wallets)]
        plan = Plan(
            kind=Kind.DEPOSIT,
            source="benchmark",
            reference=str(number),
            debits=moving(100_00, debit=SystemAccount.CASH, credit=wallet),
            request={"number": number},
        )
        database.call(lambda connection, plan=plan: kernel.post(connection, context, plan))
    database.close()


def direct_rate(url: str, wallets: list[int], first: int) -> float:
    """Return deposits a second of two processes that do nothing else."""
    half = DEPOSITS // 2
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        warm = [(url, wallets, first + DEPOSITS + n, 1) for n in (0, 1)]
        pool.starmap(post_directly, warm, chunksize=1)
        started = time.perf_counter()
        work = [(url, wallets, first + n * half, half) for n in (0, 1)]
        pool.starmap(post_directly, work, chunksize=1)
        return DEPOSITS / (time.perf_counter() - started)


QUEUE_DEPOSITS = """
    INSERT INTO payments (user_id, msisdn, amount, kind, state, token, account_reference, source,
        reference, channel, checkout_request_id, submitted_at)
    SELECT u.id, u.msisdn, 10000, 'deposit', 'pending', md5(n::text || %(round)s), %(round)s || n,
        'benchmark', %(round)s || n, 'ussd', 'ws_CO_' || %(round)s || '_' || n, now()
    FROM generate_series(1, %(count)s) AS n
    JOIN LATERAL (SELECT * FROM users ORDER BY id OFFSET n %% %(people)s LIMIT 1) AS u ON true
    RETURNING token, checkout_request_id, msisdn, id
"""


def settled_rate(database: Database, redis: Redis, number: int) -> float:
    """Queue paid callbacks and return how many a second two workers credit."""
    context = Context.of_system("benchmark")
    round_name = "ABCDEFGH"[number]
    with database.transaction(context) as connection:
        rows = connection.execute(
            QUEUE_DEPOSITS, {"round": round_name, "count": DEPOSITS, "people": CUSTOMERS}
        ).fetchall()
        connection.cursor().executemany(
            "INSERT INTO mpesa_callbacks (kind, token, body, body_digest, headers)"
            " VALUES ('stk', %s, %s, '', '{}')",
            [
                (
                    row["token"],
                    body_of(
                        row["checkout_request_id"], row["msisdn"], f"T{round_name}{row['id']:08d}"
                    ),
                )
                for row in rows
            ],
        )
    started = time.perf_counter()
    while True:
        ring(redis, Task.PROCESS_CALLBACKS)
        with database.transaction(context) as connection:
            row = connection.execute(
                "SELECT count(*) AS waiting FROM mpesa_callbacks WHERE state = 'received'"
            ).fetchone()
        assert row is not None
        if not row["waiting"]:
            return DEPOSITS / (time.perf_counter() - started)
        time.sleep(0.05)


def measure_settling(supervisor: Supervisor, variables: dict[str, str], redis: Redis) -> None:
    """Compare two workers with two processes that only post."""
    url = variables["DATABASE_URL"]
    database = Database(url, pin_pepper="p" * 32)
    database.open()
    wallets = make_customers(database)
    for name in ("worker-1", "worker-2"):
        supervisor.start(Program(name, [sys.executable, "-m", "jobs.worker"], variables, ROOT))
    settled_rate(database, redis, 0)
    direct, ours = [], []
    for number in range(1, ROUNDS + 1):
        direct.append(direct_rate(url, wallets, number * 10 * DEPOSITS))
        ours.append(settled_rate(database, redis, number))
    base, rate = statistics.median(direct), statistics.median(ours)
    print(f"ledger alone, 2 processes  {base:>7.0f}/s  1.00 x")
    print(f"settled by 2 workers       {rate:>7.0f}/s  {rate / base:.2f} x   goal 0.30 x")
    database.close()


def measure_tokens(redis: Redis) -> None:
    """Count the OAuth calls of many requests."""
    gateway = Gateway()
    account = DarajaAccount(
        base_url=gateway.url,
        consumer_key="key",
        consumer_secret="secret",
        shortcode="600100",
        passkey="passkey",
        requests_per_second=1000,
    )
    clients = [Daraja(account, redis) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: stk_query.query(clients[n % 8], "ws_CO_1"), range(1000)))
    print(f"OAuth calls for {len(gateway.posts)} requests of 8 clients: {gateway.oauth_calls}")
    gateway.close()


def run(folder: Path) -> None:
    """Measure and print."""
    with Supervisor(folder / "log") as supervisor:
        engine = postgres(folder / "postgres")
        supervisor.start(engine.program)
        memory = redis_server(folder / "redis", durable=False)
        supervisor.start(memory.program)
        variables = environment(
            DevelopmentSecrets.of_folder(folder / "secrets"),
            database_url=engine.url,
            redis_url=memory.url,
            web_url="http://127.0.0.1:9",
            standin_url="http://127.0.0.1:9",
            smtp_port=9,
        ) | {
            "LOG_JSON": "true",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        upgrade(engine.url)
        redis = Redis.from_url(memory.url)
        measure_accepting(supervisor, folder, variables)
        with psycopg.connect(engine.url, autocommit=True) as connection:
            connection.execute("TRUNCATE mpesa_callbacks")
        redis.flushdb()
        measure_settling(supervisor, variables, redis)
        measure_tokens(redis)
        redis.close()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))  # warnings only
    with tempfile.TemporaryDirectory() as temporary:
        run(Path(temporary))
