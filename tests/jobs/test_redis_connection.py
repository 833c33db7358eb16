"""Redis by a plain address, and by asking Sentinel for the primary."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import Redis, RedisError, ResponseError

from jobs.clients.redis import Pipeline, connect
from standin.engines import redis_binary, redis_server
from standin.processes import Program, Supervisor, free_port
from tests.e2e.stack import wait_until

ANSWER_SECONDS = 0.6
COUNT = "return redis.call('INCR', KEYS[1])"


def test_plain_address_names_the_database(redis_url: str) -> None:
    with connect(redis_url) as client:
        client.set("cycle:test:plain", "1", ex=5)
        assert client.get("cycle:test:plain") == b"1"
        assert client.connection_pool.connection_kwargs["db"] == int(redis_url.rsplit("/", 1)[1])


def test_nothing_is_sent_before_the_first_command() -> None:
    client = connect(f"redis://127.0.0.1:{free_port()}/0")

    with pytest.raises(RedisError):
        client.ping()


def test_sentinel_tells_the_primary(tmp_path: Path) -> None:
    with Supervisor(tmp_path / "log") as supervisor:
        primary = redis_server(tmp_path / "redis", durable=False)
        supervisor.start(primary.program)
        where = urlsplit(primary.url)
        port = free_port()
        configuration = tmp_path / "sentinel.conf"
        configuration.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\n"
            f"sentinel monitor cycle 127.0.0.1 {where.port} 1\n"
            f"sentinel auth-pass cycle {where.password}\n"
        )
        sentinel = Redis(port=port)

        def knows() -> bool:
            try:
                return bool(sentinel.execute_command("SENTINEL", "CKQUORUM", "cycle"))
            except RedisError:
                return False

        supervisor.start(
            Program(
                name="sentinel",
                command=[redis_binary(), str(configuration), "--sentinel"],
                ready=knows,
            )
        )
        sentinel.close()
        url = f"redis+sentinel://:{where.password}@127.0.0.1:{port}/cycle/3"

        with connect(url) as client, connect(primary.url) as direct:
            assert asyncio.run(counted_once(url)) == 1
            assert direct.ping()
            client.set("found", "yes")
            wait_until(lambda: client.get("found") == b"yes")
            assert direct.get("found") is None
            assert direct.get("counted") is None
            direct.select(3)
            assert direct.get("found") == b"yes"


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    """A server that no other test process uses: its clients are counted and killed."""
    with Supervisor(tmp_path / "log") as supervisor:
        server = redis_server(tmp_path / "redis", durable=False)
        supervisor.start(server.program)
        with Redis.from_url(server.url) as client:
            yield client


def url_of(client: Redis) -> str:
    where = client.connection_pool.connection_kwargs
    return f"redis://:{where['password']}@{where['host']}:{where['port']}/0"


async def counted_once(url: str) -> Any:
    async with pipeline(url) as one:
        return await one.run(one.script(COUNT), ["counted"], [])


def test_scripts_survive_lost_connections_and_a_server_that_forgot_them(own_redis: Redis) -> None:
    async def counts(url: str) -> list[int]:
        async with pipeline(url) as one:
            count = one.script(COUNT)
            first = await one.run(count, ["counted"], [])
            own_redis.script_flush()
            second = await one.run(count, ["counted"], [])
            own_redis.client_kill_filter(_type="normal", skipme=True)
            return [first, second, await one.run(count, ["counted"], [])]

    assert asyncio.run(counts(url_of(own_redis))) == [1, 2, 3]


def test_scripts_asked_at_once_share_a_connection_and_each_gets_its_own_answer(
    own_redis: Redis,
) -> None:
    async def ask(url: str) -> list[Any]:
        async with pipeline(url) as one:
            echo = one.script(
                "if ARGV[1] == '7' then return redis.error_reply('ERR seven') end"
                " return tonumber(ARGV[1])"
            )
            questions = [one.run(echo, [], [number]) for number in range(200)]
            return await asyncio.gather(*questions, return_exceptions=True)

    before = own_redis.info("stats")["total_connections_received"]
    answers = asyncio.run(ask(url_of(own_redis)))

    assert isinstance(answers.pop(7), ResponseError)
    assert answers == [number for number in range(200) if number != 7]
    assert own_redis.info("stats")["total_connections_received"] - before == 1


def test_a_server_that_stands_still_or_is_gone_fails_in_time_and_is_found_again(
    tmp_path: Path,
) -> None:
    async def ask(url: str) -> list[Any]:
        async with pipeline(url) as one:
            count = one.script(COUNT)
            answers = [await one.run(count, ["counted"], [])]
            supervisor.kill("redis", signal.SIGSTOP)
            began = time.monotonic()
            answers += await asyncio.gather(
                *(one.run(count, ["counted"], []) for _ in range(20)), return_exceptions=True
            )
            assert time.monotonic() - began < 2 * ANSWER_SECONDS + 0.5
            supervisor.kill("redis", signal.SIGCONT)
            answers.append(await one.run(count, ["again"], []))
            await asyncio.to_thread(supervisor.stop, "redis")
            answers += await asyncio.gather(one.run(count, ["x"], []), return_exceptions=True)
            await asyncio.to_thread(supervisor.start, server.program)
            return [*answers, await one.run(count, ["again"], [])]

    server = redis_server(tmp_path / "redis", durable=False)
    with Supervisor(tmp_path / "log") as supervisor:
        supervisor.start(server.program)
        first, *stood_still, again, gone, anew = asyncio.run(ask(server.url))

    assert (first, again, anew) == (1, 1, 1)
    assert len(stood_still) == 20
    assert all(isinstance(error, RedisError) for error in [*stood_still, gone])


@asynccontextmanager
async def pipeline(url: str) -> AsyncIterator[Pipeline]:
    opened = Pipeline(url, answer_seconds=ANSWER_SECONDS)
    yield opened
    await opened.close()
