"""After whole stories no PIN and no transcript stands where somebody could read it."""

import re
from collections.abc import Iterator

import psycopg
import pytest
import structlog
from flask.testing import FlaskClient
from psycopg import sql
from redis import Redis

from ledger.db.engine import Database
from tests.db.people import PIN
from tests.journey_player import FOLDER, Player, read
from ussd_app.settings import Settings

STORIES = ("join_en", "send_sw", "pin_en", "forgotten_pin_en", "withdraw_en", "balance_en")
# Standing alone: inside longer digits or a hash it would be chance.
PIN_ALONE = re.compile(rf"(?<![0-9A-Za-z.])(?:{PIN}|9071)(?![0-9A-Za-z.])")


def everything_in_redis(redis: Redis) -> Iterator[tuple[str, bytes]]:
    for key in redis.scan_iter("*"):
        match redis.type(key):
            case b"string":
                parts = [redis.get(key) or b""]
            case b"hash":
                parts = [part for pair in redis.hgetall(key).items() for part in pair]
            case b"list":
                parts = redis.lrange(key, 0, -1)
            case b"zset":
                parts = redis.zrange(key, 0, -1)
            case b"set":
                parts = list(redis.smembers(key))
            case _:
                parts = []
        yield from ((key.decode(), part) for part in [key, *parts])


def everything_in_postgresql(owner_url: str) -> Iterator[tuple[str, str]]:
    with psycopg.connect(owner_url) as owner:
        owner.execute("SET ROLE cycle_auditor")
        tables = owner.execute(
            "SELECT table_name FROM information_schema.role_table_grants"
            " WHERE grantee = 'cycle_auditor' AND privilege_type = 'SELECT'"
            " AND table_schema = 'public'"
        ).fetchall()
        for (table,) in tables:
            rows = owner.execute(
                sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(table))
            )
            yield from ((table, row[0]) for row in rows)


def test_after_whole_stories_no_pin_stands_anywhere(
    client: FlaskClient,
    settings: Settings,
    database: Database,
    database_owner_url: str,
    redis_client: Redis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with structlog.testing.capture_logs() as logged, caplog.at_level("DEBUG"):
        for story in STORIES:
            dialogue = read(FOLDER / f"{story}.txt")
            assert Player(client, settings, database).play(dialogue) == ""

    assert len(logged) > 50
    places = [("log", str(line)) for line in logged]
    places += [("log", record.getMessage()) for record in caplog.records]
    places += [
        (key, part.decode("utf-8", "replace")) for key, part in everything_in_redis(redis_client)
    ]
    rows = list(everything_in_postgresql(database_owner_url))
    assert len({table for table, _ in rows}) > 8
    places += rows
    found = [(place, text) for place, text in places if PIN_ALONE.search(text)]
    assert found == []
