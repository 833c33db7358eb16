"""Connections to Redis, the same for web, worker and cron."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import redis.asyncio as asynchronous
from hiredis import pack_command
from redis import Redis
from redis.asyncio.retry import Retry as AsynchronousRetry
from redis.asyncio.sentinel import Sentinel as AsynchronousSentinel
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from redis.sentinel import Sentinel

from jobs.batches import Batches

_CONNECT_SECONDS = 1.0
_ANSWER_SECONDS = 1.5
_RETRY_SECONDS = 0.05
_SENTINEL_PORT = 26379
# A sentinel that does not answer is not asked again: there are others.
_SENTINEL_OPTIONS: dict[str, Any] = {
    "socket_connect_timeout": _CONNECT_SECONDS,
    "socket_timeout": 1.0,
}


def connect(url: str, *, answer_seconds: float = _ANSWER_SECONDS) -> Redis:
    """Return a client with its own pool; nothing is sent before the first command.

    ``redis+sentinel://host:port,host:port/service/db`` asks the sentinels for the primary.
    A hop has four seconds in all, so by default no command waits longer than 1.5. One that
    found no answer is tried once more.
    """
    behind = _sentinels(url)
    if behind is not None:
        sentinel = Sentinel(  # type: ignore[no-untyped-call]
            behind.hosts,
            sentinel_kwargs=_SENTINEL_OPTIONS | {"retry": Retry(NoBackoff(), 0)},
            **behind.options,
            **_timeouts(answer_seconds),
        )
        client: Redis = sentinel.master_for(behind.service)  # type: ignore[no-untyped-call]
        return client
    return Redis.from_url(
        url,
        **_timeouts(answer_seconds),
        retry=Retry(ExponentialBackoff(cap=0.2, base=_RETRY_SECONDS), 1),
        health_check_interval=30,
    )


def _connect_asynchronously(url: str, answer_seconds: float) -> list[asynchronous.Redis]:
    """Return a client, and those that ask the sentinels for it."""
    behind = _sentinels(url)
    if behind is not None:
        sentinel = AsynchronousSentinel(  # type: ignore[no-untyped-call]
            behind.hosts,
            sentinel_kwargs=_SENTINEL_OPTIONS | {"retry": AsynchronousRetry(NoBackoff(), 0)},
            **behind.options,
            **_timeouts(answer_seconds),
        )
        client: asynchronous.Redis = sentinel.master_for(behind.service)
        return [client, *sentinel.sentinels]
    return [asynchronous.Redis.from_url(url, **_timeouts(answer_seconds))]


def _timeouts(answer_seconds: float) -> dict[str, Any]:
    return {
        "socket_connect_timeout": min(_CONNECT_SECONDS, answer_seconds),
        "socket_timeout": answer_seconds,
    }


@dataclass(frozen=True, slots=True)
class _Sentinels:
    """What a ``redis+sentinel`` address says."""

    hosts: list[tuple[str, int]]
    service: str
    options: dict[str, Any]


def _sentinels(url: str) -> _Sentinels | None:
    parts = urlsplit(url)
    if parts.scheme != "redis+sentinel":
        return None
    credentials, _, hosts = parts.netloc.rpartition("@")
    username, _, password = credentials.partition(":")
    found = []
    for host in hosts.split(","):
        name, _, port = host.partition(":")
        found.append((name, int(port or _SENTINEL_PORT)))
    service, _, database = parts.path.strip("/").partition("/")
    return _Sentinels(
        hosts=found,
        service=service or "mymaster",
        options={
            "db": int(database or 0),
            "username": username or None,
            "password": password or None,
        },
    )


class Pipeline:
    """Runs an event loop's scripts on one connection: those asked at once travel in one write.

    A hop runs two scripts, and borrowing a connection for each would take longer than the
    scripts. What fails fails what was under way and nothing that waits, and is tried once more.
    """

    def __init__(self, url: str, *, answer_seconds: float) -> None:
        # Kept, because a connection by sentinels asks its client for the primary.
        self._clients = _connect_asynchronously(url, answer_seconds)
        pool = self._clients[0].connection_pool
        self._connection = pool.connection_class(**pool.connection_kwargs)
        self._answer_seconds = answer_seconds
        self._batches: Batches[bytes, Any] = Batches(self._exchange)

    def script(self, text: str) -> AsyncScript:
        """Return a script that ``run`` takes; nothing is sent."""
        return self._clients[0].register_script(text)

    async def run(self, script: AsyncScript, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Return a script's answer; raises RedisError, at the latest after both tries' time."""
        command = _packed("EVALSHA", script.sha, len(keys), *keys, *args)
        try:
            async with asyncio.timeout(2 * self._answer_seconds):
                try:
                    return await self._ask(command)
                except NoScriptError:
                    await self._ask(_packed("SCRIPT", "LOAD", script.script))
                    return await self._ask(command)
        except TimeoutError:
            raise RedisTimeoutError("Redis did not answer in time") from None

    async def close(self) -> None:
        """Close the connection; called on the loop that used it."""
        await self._connection.disconnect()
        for client in self._clients:
            await client.aclose()

    async def _ask(self, command: bytes) -> Any:
        try:
            return await self._batches.ask(command)
        except (RedisConnectionError, RedisTimeoutError):
            await asyncio.sleep(_RETRY_SECONDS)
            return await self._batches.ask(command)

    async def _exchange(self, commands: list[bytes]) -> list[Any]:
        """Send packed commands in one write; an answer is what Redis says or its ResponseError."""
        try:
            if not self._connection.is_connected:
                await self._connection.connect()  # type: ignore[no-untyped-call]
            async with asyncio.timeout(self._answer_seconds):
                await self._connection.send_packed_command(b"".join(commands), check_health=False)
                return [await self._answer() for _ in commands]
        except TimeoutError:
            await self._connection.disconnect(nowait=True)
            raise RedisTimeoutError("Redis did not answer in time") from None
        except Exception:
            await self._connection.disconnect(nowait=True)
            raise

    async def _answer(self) -> Any:
        try:
            # The clock of the whole exchange runs; one for each answer took a tenth of a hop.
            return await self._connection.read_response(timeout=math.inf)
        except ResponseError as error:
            return error


def _packed(*words: Any) -> bytes:
    packed: bytes = pack_command(words)
    return packed
