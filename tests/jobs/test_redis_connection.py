"""Redis by a plain address, and by asking Sentinel for the primary."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis, RedisError

from jobs.clients.redis import connect
from standin.engines import redis_binary, redis_server
from standin.processes import Program, Supervisor, free_port
from tests.e2e.stack import wait_until


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
            client.set("found", "yes")
            wait_until(lambda: client.get("found") == b"yes")
            assert direct.get("found") is None
            direct.select(3)
            assert direct.get("found") == b"yes"
