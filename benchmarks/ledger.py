"""What the ledger carries, next to pgbench's TPC-B on the same server in the same run.

The server is our own embedded PostgreSQL with fsync and synchronous_commit on. Everything is
on: idempotency, zero-sum check, row-level security, audit, outbox, partitions. The kernel is
driven by pgbench, the use-cases by Python in two processes. Workloads take turns, round by
round; medians are printed as ratios to TPC-B, whatever else the machine does meanwhile: to TPC-B as
pgbench runs it, by the simple protocol, and to TPC-B with prepared statements, which our own
calls use too.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.ledger_workload import load  # noqa: E402 - found from the checkout's root
from ledger.commands import evidence, transfers, withdrawals  # noqa: E402
from ledger.core.context import Context  # noqa: E402
from ledger.core.payments import Evidence, EvidenceSource, Payment, Verdict  # noqa: E402
from ledger.core.plans import Posted  # noqa: E402
from ledger.db.engine import Database  # noqa: E402
from ledger.queries import wallets  # noqa: E402
from standin.engines import postgres, postgres_binaries  # noqa: E402
from standin.processes import Supervisor  # noqa: E402

CONNECTIONS = 16
PROCESSES = 2
BASELINE = "TPC-B"
PREPARED = "TPC-B, prepared"
READS = 300
SERVER = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
}
KERNEL = ROOT / "benchmarks" / "ledger_workload"
WORKLOADS = {
    "kernel: transfers": "transfers",
    "kernel: transfers counted against a daily limit": "limited_transfers",
    "kernel: deposits, all against CASH": "deposits",
    "kernel: withdrawals, request and settle": "withdrawals",
}


@dataclass(frozen=True)
class Rate:
    """What one run of a workload reached; times are milliseconds."""

    per_second: float
    p50: float
    p99: float


class Bench:
    """The server, and one database for each size."""

    def __init__(self, owner_url: str, seconds: int, folder: Path) -> None:
        self.owner_url = owner_url
        self.seconds = seconds
        self.folder = folder
        self.runs = 0

    def url(self, database: str, *, superuser: bool = False) -> str:
        """Return the URL of a database; the cluster's superuser has the owner's password."""
        parts = urlsplit(self.owner_url)
        login = parts.netloc.replace(f"{parts.username}:", "postgres:", 1)
        netloc = login if superuser else parts.netloc
        return parts._replace(netloc=netloc, path=f"/{database}").geturl()

    def create(self, database: str) -> None:
        """Create an empty database."""
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {database}")

    def pgbench(self, database: str, *words: str, role: str | None = None) -> str:
        """Run pgbench and return what it printed."""
        parts = psycopg.conninfo.conninfo_to_dict(self.owner_url)
        environment = {
            "PGHOST": str(parts["host"]),
            "PGPORT": str(parts["port"]),
            "PGUSER": str(parts["user"]),
            "PGPASSWORD": str(parts["password"]),
            "PGDATABASE": database,
            "PGOPTIONS": f"-c role={role}" if role else "",
        }
        finished = subprocess.run(
            [str(postgres_binaries() / "pgbench"), *words],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            cwd=self.folder,
            check=False,
        )
        if finished.returncode != 0 or "aborted" in finished.stderr:
            raise RuntimeError(finished.stderr[-2000:])
        return finished.stdout

    def rate(
        self, database: str, *words: str, protocol: str = "prepared", role: str | None = None
    ) -> Rate:
        """Run pgbench for the agreed time and read its log of latencies."""
        self.settle(database)
        prefix = f"run{self.runs}"
        told = ["-n", f"-c{CONNECTIONS}", f"-j{PROCESSES}", f"-T{self.seconds}", "-M", protocol]
        told += ["--log", f"--log-prefix={prefix}", *words]
        output = self.pgbench(database, *told, role=role)
        found = re.search(r"^tps = ([\d.]+)", output, re.MULTILINE)
        assert found is not None, output
        times = []
        for log in self.folder.glob(f"{prefix}.*"):
            with log.open() as lines:
                times += [int(line.split(" ", 3)[2]) for line in lines]
            log.unlink()
        return Rate(float(found[1]), *percentiles([t / 1000 for t in times]))

    def settle(self, database: str) -> None:
        """Start each run from the same place: nothing dirty in memory, a key space of its own.

        Statistics are made as autovacuum would within a minute: a plan made for an empty table
        reads it whole.
        """
        self.runs += 1
        with psycopg.connect(self.url(database, superuser=True), autocommit=True) as connection:
            connection.execute("ANALYZE")
            connection.execute("CHECKPOINT")

    def kernel(self, database: str, script: str) -> Rate:
        """Measure a script of kernel calls, made as the application's role."""
        words = ("-D", "n=0", "-D", f"base={self.runs * 1_000_000_000}")
        file = str(KERNEL / f"{script}.sql")
        return self.rate(database, *words, "-f", file, role="cycle_app")

    def python(self, database: str, work: Callable[..., list[float]]) -> Rate:
        """Measure a use-case, called by threads of two processes."""
        self.settle(database)
        threads = CONNECTIONS // PROCESSES
        arguments = [(self.url(database), self.seconds, threads)] * PROCESSES
        with ProcessPoolExecutor(PROCESSES) as pool:
            parts = pool.map(work, *zip(*arguments, strict=True))
            times = [t for part in parts for t in part]
        return Rate(len(times) / self.seconds, *percentiles(times))


def percentiles(milliseconds: list[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    ordered = sorted(milliseconds)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]


# The use-cases, in a process of their own ---------------------------------------------------


def opened(url: str, threads: int) -> Database:
    """Open the ledger as the application does, with a connection for each thread."""
    database = Database(url, pin_pepper="p" * 32, pool_max=threads, pool_timeout_seconds=30)
    database.open()
    return database


def in_threads(
    url: str, seconds: int, threads: int, once: Callable[[Database, Random], None]
) -> list[float]:
    """Repeat a use-case in threads for some seconds; return what each took in milliseconds."""
    database = opened(url, threads)
    start = time.monotonic() + load.START_SECONDS

    def work(_: int) -> list[float]:
        random = Random()  # its numbers are keys too, so each run draws others
        once(database, random)
        time.sleep(max(0.0, start - time.monotonic()))
        times, before = [], time.perf_counter()
        while time.monotonic() < start + seconds:
            once(database, random)
            now = time.perf_counter()
            times.append((now - before) * 1000)
            before = now
        return times

    with ThreadPoolExecutor(threads) as pool:
        times = [t for part in pool.map(work, range(threads)) for t in part]
    database.close()
    return times


def python_transfers(url: str, seconds: int, threads: int) -> list[float]:
    """Send between random customers."""

    def once(database: Database, random: Random) -> None:
        sender, recipient = random.sample(range(load.USERS), 2)
        user_id = load.FIRST_ID + sender
        answer = transfers.transfer(
            database,
            Context.of_user(user_id, "ussd"),
            user_id,
            load.msisdn(recipient),
            100,
            source="bench",
            reference=f"{random.getrandbits(128):x}",
        )
        assert isinstance(answer, Posted), answer

    return in_threads(url, seconds, threads, once)


def python_withdrawals(url: str, seconds: int, threads: int) -> list[float]:
    """Request payouts and settle each."""

    def once(database: Database, random: Random) -> None:
        user_id = load.FIRST_ID + random.randrange(load.USERS)
        payment = withdrawals.request_withdrawal(
            database,
            Context.of_user(user_id, "ussd"),
            user_id,
            1_000,
            source="bench",
            reference=f"{random.getrandbits(128):x}",
        )
        assert isinstance(payment, Payment), payment
        paid = Evidence(
            EvidenceSource.STATUS, Verdict.PAID, "0", amount=1_000, receipt=uuid4().hex[:10].upper()
        )
        evidence.apply(database, payment.id, paid)

    return in_threads(url, seconds, threads, once)


USE_CASES = {
    "Python: transfers": python_transfers,
    "Python: withdrawals, request and settle": python_withdrawals,
}


# Figures ------------------------------------------------------------------------------------


def compare(bench: Bench, database: str, rounds: int) -> None:
    """Print every workload against TPC-B."""
    measured: dict[str, list[Rate]] = defaultdict(list)
    for _ in range(rounds):
        measured[BASELINE].append(bench.rate("tpcb", protocol="simple"))
        measured[PREPARED].append(bench.rate("tpcb"))
        for name, script in WORKLOADS.items():
            measured[name].append(bench.kernel(database, script))
        for name, work in USE_CASES.items():
            measured[name].append(bench.python(database, work))
    ratios = f"{'x TPC-B':>9}{'x prep.':>9}"
    print(f"{'':<48}{'rate/s':>8}{ratios}{'p50 ms':>8}{'p99 ms':>8}{ratios}")
    for name, rates in measured.items():
        per_second, p50, p99 = (
            statistics.median(getattr(rate, figure) for rate in rates)
            for figure in ("per_second", "p50", "p99")
        )
        print(
            f"{name:<48}{per_second:>8.0f}{against(rates, measured, 'per_second')}"
            f"{p50:>8.1f}{p99:>8.1f}{against(rates, measured, 'p99')}"
        )


def against(rates: list[Rate], measured: dict[str, list[Rate]], figure: str) -> str:
    """Return the ratios to both baselines."""
    ratios = [ratio_of(rates, measured[baseline], figure) for baseline in (BASELINE, PREPARED)]
    return "".join(f"{ratio:>9.2f}" for ratio in ratios)


def ratio_of(rates: list[Rate], base: list[Rate], figure: str) -> float:
    """Return the median of the ratios round by round, as the machine was at that time."""
    return statistics.median(
        getattr(rate, figure) / getattr(other, figure)
        for rate, other in zip(rates, base, strict=True)
    )


def weigh(bench: Bench, database: str) -> None:
    """Print the bytes of WAL and disk for each transfer, and what upkeep costs after it."""
    with psycopg.connect(bench.url(database, superuser=True), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        before = load.weight(connection)
        bench.kernel(database, "transfers")
        after = load.weight(connection)
        posted = after.transactions - before.transactions
        print(f"WAL a transfer: {(after.wal - before.wal) / posted:.0f} bytes")
        print(f"disk a transfer: {(after.disk - before.disk) / posted:.0f} bytes")
        started = time.perf_counter()
        rows = load.upkeep(connection)
        spent = time.perf_counter() - started
        print(f"folding and sealing: {spent / rows * 1e6:.0f} us a row ({rows} rows)")


def grow(bench: Bench, sizes: list[int], rounds: int) -> None:
    """Print what posting and reading cost at each size."""
    rates: dict[int, list[Rate]] = defaultdict(list)
    for _ in range(rounds):
        for size in sizes:
            rates[size].append(bench.kernel(f"cycle_{size}", "transfers"))
    print(f"\n{'postings':>10}{'transfers/s':>13}{'x first':>9}{'balance ms':>12}{'page ms':>9}")
    for size in sizes:
        rate = statistics.median(rate.per_second for rate in rates[size])
        ratio = ratio_of(rates[size], rates[sizes[0]], "per_second")
        balance, page = reads(bench.url(f"cycle_{size}"))
        print(f"{size:>10}{rate:>13.0f}{ratio:>9.2f}{balance:>12.2f}{page:>9.2f}")


def reads(url: str) -> tuple[float, float]:
    """Return the median milliseconds of a balance and of a page of history."""
    database = opened(url, 1)
    random = Random(1)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(READS):
        user_id = load.FIRST_ID + random.randrange(load.USERS)
        context = Context.of_user(user_id, "ussd")
        for read, spent in zip((wallets.balance, wallets.recent_movements), times, strict=True):
            started = time.perf_counter()
            read(database, context, user_id)
            spent.append((time.perf_counter() - started) * 1000)
    database.close()
    return statistics.median(times[0]), statistics.median(times[1])


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20, help="of each run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=int, default=50, help="of TPC-B")
    sizes = [10_000, 1_000_000, 10_000_000]
    parser.add_argument("--sizes", type=int, nargs="+", default=sizes, help="postings")
    return parser.parse_args()


def main() -> None:
    """Start the server, fill the databases, measure."""
    told = arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        with Supervisor(folder / "log") as supervisor:
            engine = postgres(folder / "postgres", settings=SERVER)
            supervisor.start(engine.program)
            bench = Bench(engine.url, told.seconds, folder)
            bench.create("tpcb")
            bench.pgbench("tpcb", "-i", "-q", "-s", str(told.scale))
            for size in told.sizes:
                bench.create(f"cycle_{size}")
                url = bench.url(f"cycle_{size}")
                load.fill(url, bench.url(f"cycle_{size}", superuser=True), size)
            compare(bench, f"cycle_{told.sizes[0]}", told.rounds)
            weigh(bench, f"cycle_{told.sizes[0]}")
            grow(bench, told.sizes, told.rounds)


if __name__ == "__main__":
    main()
