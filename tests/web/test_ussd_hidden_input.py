"""Hops at random over HTTP: any text in any order, hang-ups, repeats, dial-through.

The suite plays a few hundred. As many as named, and what they met:
``pytest -n0 --timeout 900 --hops 100000 tests/web/test_ussd_hidden_input.py``
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import psycopg
import pytest
import structlog
from flask import Flask
from psycopg import sql
from redis import Redis

from ledger.core.gsm7 import septets
from ledger.core.msisdn import local_form
from ledger.db.engine import Database
from tests.conftest import HOPS_OF_THE_SUITE
from tests.db.people import PIN, new_user
from tests.journey_player import Handset
from tests.msisdns import new_msisdn
from tests.web.test_pin_nowhere import everything_in_redis
from ussd_app.flow.render import SEPTETS_MAX
from ussd_app.settings import Settings

OTHER_PIN = "9071"
THREADS = 4
PHONES = 16
KEYS = [*"00011112222333344455667789", "00", "98", "000", "200", "10.50", "1e3", "-5", "٣", "Asha"]
DIALLED = [
    "",
    "",
    "",
    "",
    "1",
    "2*500",
    "4*100",
    "5",
    "5*1",
    "77*1",
    "3*0712000000*100",
    "**#",
    "*",
]
ALPHABET = "".join(chr(n) for n in range(32, 127)) + "\u00e9\u1e3f\u20ac\u0416\U0001f600\n\t\x00'*#"
# Standing alone: inside longer digits, an amount or a hash it would be chance.
PIN_ALONE = re.compile(rf"(?<![0-9A-Za-z.,:-])(?:{PIN}|{OTHER_PIN})(?![0-9A-Za-z.,:-])")


class Person:
    """Somebody with a phone who types at random and checks each screen."""

    def __init__(self, app: Flask, settings: Settings, redis: Redis, msisdn: str) -> None:
        self.phone = Handset(app.test_client(), settings, msisdn)
        self.redis = redis

    def act(self, random: Random, others: list[str], met: Counter[str]) -> None:
        """Dial, type, repeat or hang up."""
        phone = self.phone
        open_now = phone.screen.startswith("CON ")
        if not open_now or random.random() < 0.03:
            met["hang-ups"] += open_now
            screen = phone.dial(random.choice(DIALLED))
            if screen.startswith("END Too many tries"):
                met["slowed down"] += 1
                # Ten minutes pass.
                for key in self.redis.scan_iter("cycle:ussd-opened:*", count=1000):
                    self.redis.delete(key)
        elif random.random() < 0.05:
            met["repeats"] += 1
            shown = phone.screen
            assert phone.post() == shown
            screen = shown
        else:
            screen = phone.reply(self.typed(random, others))
        check(screen)
        met["hops"] += 1
        met[screen[:3]] += 1

    def typed(self, random: Random, others: list[str]) -> str:
        if "PIN" in self.phone.screen and random.random() < 0.2:
            return random.choice([PIN, PIN, PIN, OTHER_PIN, "0000", "12a4"])
        match random.randrange(10):
            case 0:
                return local_form(random.choice(others))
            case 1:
                text = "".join(random.choices(ALPHABET, k=random.randrange(30)))
                return text.replace(PIN, "").replace(OTHER_PIN, "")
            case _:
                return random.choice(KEYS)


def check(screen: str) -> None:
    assert screen[:4] in ("CON ", "END "), screen
    length = septets(screen[4:])
    assert length is not None, screen
    assert 0 < length <= SEPTETS_MAX, screen


def play(app: Flask, settings: Settings, redis: Redis, people: list[str], seed: int, hops: int):
    """Play one thread's people; returns what was met."""
    random, met = Random(seed), Counter[str]()
    persons = [Person(app, settings, redis, msisdn) for msisdn in people]
    while met["hops"] < hops:
        random.choice(persons).act(random, people, met)
    return met


def texts_in_postgresql(owner_url: str) -> Iterator[tuple[str, str]]:
    """Every text in every row that an auditor may read; numbers and ids are no texts."""

    def texts(value: Any) -> Iterator[str]:
        match value:
            case str():
                yield value
            case dict():
                yield from (text for part in value.values() for text in texts(part))
            case list():
                yield from (text for part in value for text in texts(part))

    with psycopg.connect(owner_url) as owner:
        owner.execute("SET ROLE cycle_auditor")
        tables = owner.execute(
            "SELECT DISTINCT table_name FROM information_schema.role_table_grants"
            " WHERE grantee = 'cycle_auditor' AND privilege_type = 'SELECT'"
            " AND table_schema = 'public'"
        ).fetchall()
        for (table,) in tables:
            query = sql.SQL("SELECT to_jsonb(t)::text FROM {} AS t").format(sql.Identifier(table))
            for (row,) in owner.execute(query):
                yield from ((table, text) for text in texts(json.loads(row)))


def test_random_hops_get_a_short_answer_and_leave_no_pin(
    request: pytest.FixtureRequest,
    app: Flask,
    settings: Settings,
    database: Database,
    database_owner_url: str,
    redis_client: Redis,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hops = request.config.getoption("--hops")
    crowds = [
        [new_user(database, cents=5_000_00).msisdn for _ in range(PHONES // 2)]
        + [new_msisdn() for _ in range(PHONES // 2)]
        for _ in range(THREADS)
    ]
    with structlog.testing.capture_logs() as logged, ThreadPoolExecutor(THREADS) as pool:
        plays = [
            pool.submit(play, app, settings, redis_client, crowd, seed, hops // THREADS)
            for seed, crowd in enumerate(crowds)
        ]
        met = sum((one.result() for one in plays), Counter[str]())

    failures = Counter(line["event"] for line in logged if line["log_level"] == "error")
    screens = Counter(line["screen"] for line in logged if "screen" in line)
    if hops > HOPS_OF_THE_SUITE:
        with capsys.disabled():
            sys.stdout.write(f"\n{dict(met)}; screens shown: {len(screens)}\n")
    assert met["hops"] >= hops // THREADS * THREADS
    assert not failures
    assert len(screens) > 15
    places = [("log", str(line)) for line in logged]
    places += [
        (key, part.decode("utf-8", "replace")) for key, part in everything_in_redis(redis_client)
    ]
    places += texts_in_postgresql(database_owner_url)
    assert [(place, text) for place, text in places if PIN_ALONE.search(text)] == []
