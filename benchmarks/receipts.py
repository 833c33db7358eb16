"""Receipts a second through the outbox with two workers, against the bare SDK in two processes.

Both send the same texts to the same stand-in. The outbox adds claiming, rendering, recording
and its safety; each worker may ask four at a time, which the bare loop does not.
Then the workers' memory while 10,000 receipts go out. Prints ratios; goals: at least 0.8, and
memory that stays flat.
"""

import multiprocessing
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import requests
from africastalking.SMS import SMSService
from redis import Redis

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from jobs.queue import Task, ring  # noqa: E402 - found from the checkout's root
from ledger.db.migrate import upgrade  # noqa: E402
from standin.development import DevelopmentSecrets, environment  # noqa: E402
from standin.engines import postgres, redis_server  # noqa: E402
from standin.processes import Program, Supervisor, free_port  # noqa: E402

RECEIPTS = 1000
MANY_RECEIPTS = 10_000
ROUNDS = 3
WORKERS = ("worker-1", "worker-2")
POLL_SECONDS = 0.05
DEADLINE_SECONDS = 300
FIRST_NUMBER = 254_712_000_000
QUEUE_RECEIPTS = """
    INSERT INTO outbox (channel, recipient, template, language, params)
    SELECT 'sms', '+' || %s + i, 'transfer_received', 'en', jsonb_build_object(
        'receipt', lpad(i::text, 10, '7'), 'amount', 100 + i, 'name', 'Jane Wanjiru',
        'msisdn', '0712***678', 'posted_at', now(), 'balance', 100 + i)
    FROM generate_series(1, %s) AS i
"""


@dataclass
class World:
    """Where everything is."""

    variables: dict[str, str]
    redis: Redis

    def sql(self) -> psycopg.Connection:
        """Open a connection that sees the outbox as the system does."""
        options = "-c role=cycle_app -c cycle.actor=system:benchmark"
        return psycopg.connect(self.variables["DATABASE_URL"], options=options, autocommit=True)


def send_directly(base_url: str, username: str, key: str, first: int, count: int) -> None:
    """Send texts with the SDK, one after the other."""
    service = SMSService(username, key)
    service._baseUrl = f"{base_url}/version1"
    for number in range(first, first + count):
        text = (
            f"{number:>10} Confirmed. You have received Ksh{number % 1000}.00 from Jane Wanjiru"
            f" 0712***678 on 23/11/26 9:05 PM. New balance is Ksh{number % 1000}.00."
        )
        answer = service.send(text, [f"+{number}"], "CYCLE")
        if answer["SMSMessageData"]["Recipients"][0]["statusCode"] != 101:
            raise RuntimeError(answer)


def direct_rate(world: World) -> float:
    """Return receipts a second of two processes that do nothing else."""
    variables = world.variables
    identity = (variables["AT_BASE_URL"], variables["AT_USERNAME"], variables["AT_API_KEY"])
    half = RECEIPTS // 2
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        warm = [(*identity, FIRST_NUMBER + n, 1) for n in (1, 2)]
        pool.starmap(send_directly, warm, chunksize=1)
        work = [(*identity, FIRST_NUMBER + n * half, half) for n in (0, 1)]
        started = time.perf_counter()
        pool.starmap(send_directly, work, chunksize=1)
        return RECEIPTS / (time.perf_counter() - started)


def queue(world: World, count: int) -> None:
    """Put receipts into the outbox."""
    with world.sql() as connection:
        connection.execute(QUEUE_RECEIPTS, (FIRST_NUMBER, count))


def waiting(connection: psycopg.Connection) -> int:
    """Return how many messages wait."""
    row = connection.execute(
        "SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')"
    ).fetchone()
    assert row is not None
    return int(row[0])


def drain(world: World, memory: list[int] | None = None, pids: tuple[int, ...] = ()) -> float:
    """Ring until nothing waits; return the seconds, and note the workers' memory on the way."""
    started = time.perf_counter()
    with world.sql() as connection:
        while waiting(connection):
            ring(world.redis, Task.SEND_SMS)
            if memory is not None:
                memory.append(sum(psutil.Process(pid).memory_info().rss for pid in pids))
            time.sleep(POLL_SECONDS)
            if time.perf_counter() - started > DEADLINE_SECONDS:
                raise RuntimeError("receipts are still waiting")
        row = connection.execute("SELECT count(*) FROM outbox WHERE state <> 'sent'").fetchone()
    if row != (0,):
        raise RuntimeError("some receipts were not sent")
    return time.perf_counter() - started


def start(supervisor: Supervisor, folder: Path) -> World:
    """Start servers, stand-in and two workers."""
    database = postgres(folder / "postgres")
    supervisor.start(database.program)
    redis = redis_server(folder / "redis", durable=False)
    supervisor.start(redis.program)
    port = free_port()
    variables = environment(
        DevelopmentSecrets.of_folder(folder / "secrets"),
        database_url=database.url,
        redis_url=redis.url,
        web_url="http://127.0.0.1:9",
        standin_url=f"http://127.0.0.1:{port}",
        smtp_port=9,
    )
    upgrade(database.url)
    standin = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "standin", "--port", str(port)]
    supervisor.start(Program("standin", command, variables, ROOT, ready=lambda: answers(standin)))
    # Nobody listens for delivery reports here.
    rules = {"rules": [{"at": "at.report", "do": "drop"}]}
    requests.put(f"{standin}/faults", json=rules, timeout=5).raise_for_status()
    for name in WORKERS:
        command = [sys.executable, "-m", "jobs.worker"]
        supervisor.start(Program(name, command, variables, ROOT))
    return World(variables, Redis.from_url(redis.url))


def answers(url: str) -> bool:
    """Tell whether the stand-in is up."""
    try:
        return requests.get(f"{url}/faults", timeout=1).status_code < 500
    except requests.RequestException:
        return False


def worker_pids() -> tuple[int, ...]:
    """Return the workers' process ids."""
    children = psutil.Process().children(recursive=True)
    return tuple(child.pid for child in children if "jobs.worker" in child.cmdline())


def run(folder: Path) -> None:
    """Measure and print."""
    with Supervisor(folder / "log") as supervisor:
        world = start(supervisor, folder)
        queue(world, 100)
        drain(world)
        direct, ours = [], []
        for _ in range(ROUNDS):
            direct.append(direct_rate(world))
            queue(world, RECEIPTS)
            ours.append(RECEIPTS / drain(world))
        base, rate = statistics.median(direct), statistics.median(ours)
        print(f"bare SDK, 2 processes   {base:>7.0f}/s  1.00 x")
        print(f"outbox, 2 workers       {rate:>7.0f}/s  {rate / base:.2f} x   goal 0.80 x")
        queue(world, MANY_RECEIPTS)
        memory: list[int] = []
        drain(world, memory, worker_pids())
        early = max(memory[: max(1, len(memory) // 10)])
        print(
            f"workers' memory while {MANY_RECEIPTS} receipts go out: {early / 2**20:.0f} MiB early,"
            f" at most {max(memory) / 2**20:.0f} MiB, {max(memory) / early:.2f} x"
        )
        world.redis.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        run(Path(temporary))
