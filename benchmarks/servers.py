"""Which WSGI server carries a hop best: granian against gunicorn's threads.

The app is the smallest that does what a hop does: parse a form, one Redis GET, one SETEX,
answer text. Both servers get the same processes and threads. Needs `wrk` on PATH.
Prints requests a second and p99 as ratios to gunicorn gthread of the same run.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import requests
from flask import Flask, Response, request
from redis import Redis

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from standin.engines import redis_server  # noqa: E402 - found from the checkout's root
from standin.processes import Program, Supervisor, free_port  # noqa: E402

SECONDS = 5
ROUNDS = 3
CONNECTIONS = 32
THREADS = 16
BASELINE = "gunicorn gthread"
APP = "benchmarks.servers:create_app"
SCRIPT = """
request = function()
  local id = "ATUid_" .. math.random(1, 5000)
  return wrk.format("POST", nil, {["Content-Type"]="application/x-www-form-urlencoded"},
    "sessionId=" .. id .. "&phoneNumber=%2B254712345678&text=")
end
"""


def create_app() -> Flask:
    """Build the smallest app that does what a hop does."""
    app = Flask("hop")
    redis = Redis.from_url(os.environ["BENCHMARK_REDIS_URL"])

    @app.post("/hop")
    def hop() -> Response:
        session = request.form["sessionId"]
        count = int(redis.get(session) or 0) + 1
        redis.setex(session, 240, count)
        return Response(f"CON Menu {count}", content_type="text/plain")

    return app


def command(server: str, processes: int, port: int) -> list[str]:
    """Return how to start one of the servers."""
    if server == BASELINE:
        words = ["-m", "gunicorn", "--worker-class", "gthread", "--workers", str(processes)]
        words += ["--threads", str(THREADS), "--bind", f"127.0.0.1:{port}", f"{APP}()"]
    else:
        words = ["-m", "granian", "--interface", "wsgi", "--factory", "--no-ws"]
        words += ["--workers", str(processes), "--blocking-threads", str(THREADS)]
        words += ["--port", str(port), APP]
    return [sys.executable, *words]


def measure(port: int, script: Path) -> tuple[float, float]:
    """Return requests a second and the 99th percentile in milliseconds."""
    words = ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-s", str(script)]
    words.append(f"http://127.0.0.1:{port}/hop")
    output = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    tail = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
    if "Non-2xx" in output or rate is None or tail is None:
        raise RuntimeError(output)
    return float(rate[1]), float(tail[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[tail[2]]


def answers(port: int) -> bool:
    """Tell whether a server takes a hop."""
    try:
        form = {"sessionId": "probe"}
        return requests.post(f"http://127.0.0.1:{port}/hop", data=form, timeout=1).ok
    except requests.RequestException:
        return False


def run(folder: Path) -> None:
    """Measure each server in turn, round by round, and print the medians."""
    script = folder / "hop.lua"
    script.write_text(SCRIPT)
    with Supervisor(folder / "log") as supervisor:
        engine = redis_server(folder / "redis", durable=False)
        supervisor.start(engine.program)
        for processes in (1, 2):
            figures: dict[str, list[tuple[float, float]]] = {BASELINE: [], "granian": []}
            for _ in range(ROUNDS):
                for server, measured in figures.items():
                    port = free_port()
                    supervisor.start(
                        Program(
                            name=server.split()[0],
                            command=command(server, processes, port),
                            directory=ROOT,
                            environment={"BENCHMARK_REDIS_URL": engine.url},
                            ready=lambda port=port: answers(port),
                        )
                    )
                    measured.append(measure(port, script))
                    supervisor.stop(server.split()[0])
            report(processes, figures)


def report(processes: int, figures: dict[str, list[tuple[float, float]]]) -> None:
    """Print medians, and ratios to the baseline."""
    medians = {
        server: tuple(statistics.median(column) for column in zip(*measured, strict=True))
        for server, measured in figures.items()
    }
    base_rate, base_tail = medians[BASELINE]
    for server, (rate, tail) in medians.items():
        print(
            f"{processes} x {THREADS} threads  {server:<18}{rate:>8.0f}/s  {rate / base_rate:.2f} x"
            f"   p99 {tail:>7.1f} ms  {tail / base_tail:.2f} x"
        )


if __name__ == "__main__":
    if shutil.which("wrk") is None:
        sys.exit("benchmarks/servers.py needs wrk (Debian's package wrk)")
    with tempfile.TemporaryDirectory() as temporary:
        run(Path(temporary))
