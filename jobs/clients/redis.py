"""Connections to Redis, the same for web, worker and cron."""

from collections import deque
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.commands.core import Script
from redis.connection import Connection
from redis.exceptions import NoScriptError
from redis.retry import Retry
from redis.sentinel import Sentinel

_CONNECT_SECONDS = 1.0
_ANSWER_SECONDS = 1.5
_SENTINEL_PORT = 26379


def connect(url: str, *, answer_seconds: float = _ANSWER_SECONDS) -> Redis:
    """Return a client with its own pool; nothing is sent before the first command.

    ``redis+sentinel://host:port,host:port/service/db`` asks the sentinels for the primary.
    A hop has four seconds in all, so by default no command waits longer than 1.5. One that
    found no answer is tried once more.
    """
    parts = urlsplit(url)
    if parts.scheme == "redis+sentinel":
        return _by_sentinel(parts.netloc, parts.path, answer_seconds)
    return Redis.from_url(
        url,
        socket_connect_timeout=min(_CONNECT_SECONDS, answer_seconds),
        socket_timeout=answer_seconds,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 1),
        health_check_interval=30,
    )


def _by_sentinel(netloc: str, path: str, answer_seconds: float) -> Redis:
    credentials, _, hosts = netloc.rpartition("@")
    username, _, password = credentials.partition(":")
    sentinels = []
    for host in hosts.split(","):
        name, _, port = host.partition(":")
        sentinels.append((name, int(port or _SENTINEL_PORT)))
    service, _, database = path.strip("/").partition("/")
    options = {
        "socket_connect_timeout": _CONNECT_SECONDS,
        "socket_timeout": answer_seconds,
        "username": username or None,
        "password": password or None,
    }
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        sentinels,
        sentinel_kwargs={"socket_connect_timeout": _CONNECT_SECONDS, "socket_timeout": 1.0},
        db=int(database or 0),
        **options,
    )
    client: Redis = sentinel.master_for(service or "mymaster")  # type: ignore[no-untyped-call]
    return client


class ScriptRunner:
    """Runs scripts on connections of its own, at the least cost that redis-py has.

    A hop runs two scripts, and borrowing a connection from the client's pool for each and
    watching it would take longer than the scripts. Timeouts and the one retry are the client's.
    There are as many connections as calls at once: they belong to no thread, because servers
    let idle threads go without a word.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        # Append and pop are atomic; the last one used is the next one taken.
        self._idle: deque[Connection] = deque()

    def run(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Return a script's answer; raises RedisError."""
        connection = self._take()
        command = ("EVALSHA", script.sha, len(keys), *keys, *args)

        def ask() -> Any:
            if not connection.is_connected:
                # Asks the sentinels, where there are any.
                connection.connect()  # type: ignore[no-untyped-call]
            connection.send_command(*command)  # type: ignore[no-untyped-call]
            return connection.read_response()

        def give_up(_error: Exception) -> None:
            connection.disconnect()  # type: ignore[no-untyped-call]

        try:
            return connection.retry.call_with_retry(ask, give_up)
        except NoScriptError:
            self._redis.script_load(script.script)
            return connection.retry.call_with_retry(ask, give_up)
        finally:
            self._idle.append(connection)

    def close(self) -> None:
        """Close every connection that is not in use."""
        while self._idle:
            self._idle.pop().disconnect()  # type: ignore[no-untyped-call]
        self._redis.close()

    def _take(self) -> Connection:
        try:
            return self._idle.pop()
        except IndexError:
            pool = self._redis.connection_pool
            connection: Connection = pool.connection_class(**pool.connection_kwargs)
            return connection
