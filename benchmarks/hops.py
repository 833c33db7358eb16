"""Hops a second of the whole product, against what a bare handler and node do.

Menu hops: strangers who dial and move between two menus, twelve hops a session, every answer
checked to be a CON screen; the first hop asks PostgreSQL who dials. Session, replay, locks
and logs as in production. Baselines of the same run: (a) bare Flask on granian's 16 WSGI threads
with one Redis GET and one SETEX; (b) ussd-menu-builder on node's http with the same two commands
and (c) ussd-state-builder with its own Redis storage, when NODE_BASELINE names a folder where they
are installed (`npm install ussd-menu-builder ussd-state-builder redis`).
PIN hops are timed on their own, with the share of argon2 in them. Needs wrk.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import requests

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.bare_server import served_bare  # noqa: E402 - found from the checkout's root
from ledger.commands.register import register  # noqa: E402
from ledger.core.context import Context  # noqa: E402
from ledger.core.people import NewUser, User  # noqa: E402
from ledger.db.engine import Database  # noqa: E402
from ledger.db.migrate import upgrade  # noqa: E402
from ledger.pin_hashing import PinHasher  # noqa: E402
from standin.development import DevelopmentSecrets, environment  # noqa: E402
from standin.engines import postgres, redis_server  # noqa: E402
from standin.processes import Program, Supervisor, free_port  # noqa: E402
from standin.procfile import read_procfile, shell_command  # noqa: E402

SECONDS = int(os.environ.get("BENCHMARK_SECONDS", "8"))
ROUNDS = int(os.environ.get("BENCHMARK_ROUNDS", "3"))
CONNECTIONS = 16
PIN = "4826"
PIN_HOPS = 60
SCRIPT = """
local texts = {"", "1"}
for hop = 3, 12 do texts[hop] = texts[hop - 1] .. (hop % 2 == 1 and "*0" or "*1") end
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init() math.randomseed(os.time() + number * 7919); sessions = {}; turn = 0; bad = 0 end
function request()
  -- Many more sessions than connections: a session's last hop is answered before its next.
  local place = turn % SESSIONS
  turn = turn + 1
  local session = sessions[place]
  if session == nil or session.hop == 12 then
    session = {hop = 0, id = string.format("ATUid_%d_%d_%d", number, turn, math.random(1e9)),
      phone = string.format("%%2B2547%08d", math.random(10000000, 29999999))}
    sessions[place] = session
  end
  session.hop = session.hop + 1
  return wrk.format("POST", nil, {["Content-Type"]="application/x-www-form-urlencoded"},
    "sessionId=" .. session.id .. "&phoneNumber=" .. session.phone ..
    "&networkCode=63902&serviceCode=CODE&text=" .. texts[session.hop])
end
function response(status, headers, body)
  if status ~= 200 or string.sub(body, 1, 4) ~= "CON " then bad = bad + 1 end
end
local all = {}
local plain = setup
function setup(thread) plain(thread); table.insert(all, thread) end
function done() local sum = 0; for _, t in ipairs(all) do sum = sum + t:get("bad") end
  print("bad: " .. sum) end
"""
BARE = """
import os
from flask import Flask, Response, request
from redis import Redis

app = Flask("bare")
redis = Redis.from_url(os.environ["REDIS_URL"])


@app.post("/hop")
def hop():
    session = request.form["sessionId"]
    count = int(redis.get(session) or 0) + 1
    redis.setex(session, 240, count)
    return Response(f"CON Menu {count}", content_type="text/plain")
"""


def measure(url: str, script: Path) -> tuple[float, float]:
    """Return hops a second and the 99th percentile in milliseconds."""
    words = ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-s", str(script), url]
    output = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    tail = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
    bad = re.search(r"bad: (\d+)", output)
    total = re.search(r"(\d+) requests in", output)
    if rate is None or tail is None or bad is None or total is None:
        raise RuntimeError(output)
    if int(bad[1]) > int(total[1]) / 1000:
        raise RuntimeError(f"{bad[1]} of {total[1]} hops got no menu")
    return float(rate[1]), float(tail[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[tail[2]]


def answers(url: str, form: dict[str, str]) -> bool:
    """Tell whether a server takes a hop."""
    try:
        return requests.post(url, data=form, timeout=2).ok
    except requests.RequestException:
        return False


def servers(folder: Path, variables: dict[str, str]) -> dict[str, tuple[str, Program]]:
    """Return what is compared, each with its address and how to start it; one process each."""
    (folder / "bare_hop.py").write_text(BARE)
    web = read_procfile(ROOT / "Procfile")["web"]
    lines = {
        "cycle": (web, f"/at/{variables['AT_CALLBACK_KEYS'].split(',')[0]}/ussd", ROOT),
        "bare": (served_bare("bare_hop:app"), "/hop", ROOT),
    }
    node = os.environ.get("NODE_BASELINE")
    if node:
        for name in ("menu_builder", "state_builder"):
            script = ROOT / f"benchmarks/hops_baselines/{name}.mjs"
            shutil.copy(script, Path(node) / script.name)
            lines[name] = (f"node {script.name}", "/", Path(node))
    found = {}
    for name, (line, path, place) in lines.items():
        port = free_port()
        url = f"http://127.0.0.1:{port}{path}"
        own = variables | {
            "PORT": str(port),
            "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
            "WEB_WORKERS": "1",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        form = {
            "sessionId": uuid4().hex,
            "phoneNumber": "+254712345678",
            "serviceCode": variables["USSD_CODE"],
            "text": "",
        }
        ready = lambda url=url, form=form: answers(url, form)  # noqa: E731 - one use
        found[name] = (url, Program(name, shell_command(line), own, place, ready=ready))
    return found


def menu_hops(supervisor: Supervisor, folder: Path, variables: dict[str, str]) -> str:
    """Measure each server in turn, round by round, and print medians and ratios."""
    script = folder / "hop.lua"
    code = quote(variables["USSD_CODE"])
    script.write_text(SCRIPT.replace("SESSIONS", str(8 * CONNECTIONS)).replace("CODE", code))
    compared = servers(folder, variables)
    for _, program in compared.values():
        supervisor.start(program)
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in compared}
    for number in range(ROUNDS + 1):
        for name, (url, _) in compared.items():
            measured = measure(url, script)
            if number:  # the first round warms up
                figures[name].append(measured)
    medians = {
        name: tuple(statistics.median(column) for column in zip(*rounds, strict=True))
        for name, rounds in figures.items()
    }
    base_rate, base_tail = medians["bare"]
    for name, (rate, tail) in medians.items():
        print(
            f"menu hops  {name:<14}{rate:>8.0f}/s  {rate / base_rate:.2f} x bare"
            f"   p99 {tail:>7.1f} ms  {tail / base_tail:.2f} x bare"
        )
    return compared["cycle"][0]


def pin_hops(url: str, variables: dict[str, str]) -> None:
    """Time the hop that checks a PIN, and argon2 alone."""
    database = Database(variables["DATABASE_URL"], pin_pepper=variables["PIN_PEPPER"], pool_max=2)
    database.open()
    phones = [f"+2547{31_000_000 + number}" for number in range(6)]
    for phone in phones:
        new = NewUser(phone, "Jane", "Wanjiru", "en", "1", "ussd")
        joined = register(database, Context.of_system("benchmark"), new, PIN)
        assert isinstance(joined, User)
    database.close()
    seconds = []
    for number in range(PIN_HOPS):
        form = {
            "sessionId": uuid4().hex,
            "phoneNumber": phones[number % len(phones)],
            "networkCode": "63902",
            "serviceCode": variables["USSD_CODE"],
        }
        for text in ("", "3"):
            requests.post(url, data=form | {"text": text}, timeout=5)
        began = time.perf_counter()
        shown = requests.post(url, data=form | {"text": f"3*{PIN}"}, timeout=5).text
        seconds.append(time.perf_counter() - began)
        if "balance" not in shown:
            raise RuntimeError(shown)
    hasher = PinHasher(variables["PIN_PEPPER"])
    stored = hasher.hash(PIN)
    began = time.perf_counter()
    for _ in range(20):
        hasher.matches(stored, PIN)
    argon2 = (time.perf_counter() - began) / 20
    hop = statistics.median(seconds)
    print(
        f"PIN hop    {hop * 1000:.1f} ms, argon2 alone {argon2 * 1000:.1f} ms: {argon2 / hop:.0%}"
    )


def run(folder: Path) -> None:
    """Start real servers, then measure."""
    with Supervisor(folder / "log") as supervisor:
        database, redis = (
            postgres(folder / "pg", durable=False),
            redis_server(folder / "redis", durable=False),
        )
        supervisor.start(database.program)
        supervisor.start(redis.program)
        upgrade(database.url)
        variables = environment(
            DevelopmentSecrets.of_folder(folder / "secrets"),
            database_url=database.url,
            redis_url=redis.url,
            web_url="http://127.0.0.1:9",
            standin_url="http://127.0.0.1:9",
            smtp_port=9,
        ) | {"LOG_JSON": "true"}
        url = menu_hops(supervisor, folder, variables)
        pin_hops(url, variables)


if __name__ == "__main__":
    if shutil.which("wrk") is None:
        sys.exit("benchmarks/hops.py needs wrk (Debian's package wrk)")
    with tempfile.TemporaryDirectory() as temporary:
        run(Path(temporary))
