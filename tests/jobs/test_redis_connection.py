"""Redis by a plain address, and by asking Sentinel for the primary."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis import Redis, RedisError

from jobs.clients.redis import ScriptRunner, connect
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
            runner = ScriptRunner(client)
            count = client.register_script("return redis.call('INCR', KEYS[1])")
            assert runner.run(count, ["counted"], []) == 1
            assert direct.ping()
            client.set("found", "yes")
            wait_until(lambda: client.get("found") == b"yes")
            assert direct.get("found") is None
            direct.select(3)
            assert direct.get("found") == b"yes"


def test_scripts_survive_lost_connections_and_a_server_that_forgot_them(redis_url: str) -> None:
    with connect(redis_url) as client:
        runner = ScriptRunner(client)
        count = client.register_script("return redis.call('INCR', KEYS[1])")
        client.delete("cycle:test:counted")

        assert runner.run(count, ["cycle:test:counted"], []) == 1
        client.script_flush()
        assert runner.run(count, ["cycle:test:counted"], []) == 2
        client.client_kill_filter(_type="normal", skipme=True)
        assert runner.run(count, ["cycle:test:counted"], []) == 3

        client.delete("cycle:test:counted")
        runner.close()


def test_threads_that_come_and_go_leave_no_connection_open(redis_url: str) -> None:
    with connect(redis_url) as client:
        runner = ScriptRunner(client)
        script = client.register_script("return 1")
        before = client.info("stats")["total_connections_received"]

        for _ in range(20):
            with ThreadPoolExecutor(1) as thread:
                assert thread.submit(runner.run, script, [], []).result() == 1

        assert client.info("stats")["total_connections_received"] - before < 5
        runner.close()
