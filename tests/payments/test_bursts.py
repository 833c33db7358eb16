"""Callbacks that come together are stored together: each once, or each told that it was not."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from a2wsgi import ASGIMiddleware
from flask import Flask
from redis import Redis
from werkzeug.exceptions import NotFound
from werkzeug.test import Client

from jobs.clients.redis import connect
from ledger.db.engine import Database
from standin.processes import free_port
from tests.mpesa_world import MpesaWorld
from tests.web_process import web_process
from ussd_app.channels import mpesa_hooks
from ussd_app.front import Front
from ussd_app.services import Services
from ussd_app.settings import Settings

BURST = 60


def posted_at_once(app: Flask, tokens: list[str]) -> list[tuple[int, str]]:
    def post(token: str) -> tuple[int, str]:
        client = app.test_client()
        answer = client.post(
            f"/hooks/stk/{token}", json={"for": token}, headers={"User-Agent": f"for {token}"}
        )
        return answer.status_code, answer.text

    with ThreadPoolExecutor(12) as pool:
        return list(pool.map(post, tokens))


def test_a_burst_of_callbacks_is_stored_each_under_its_token(
    world: MpesaWorld, payments_app: Flask
) -> None:
    tokens = [uuid4().hex for _ in range(BURST)]

    answers = posted_at_once(payments_app, tokens)

    assert answers == [(200, '{"ResultCode":0,"ResultDesc":"Accepted"}\n')] * BURST
    for token in tokens:
        [kept] = world.inbox(token)
        assert kept.body == b'{"for": "%s"}' % token.encode()
        assert kept.headers["User-Agent"] == f"for {token}"
        assert (kept.kind, kept.remote_address, kept.state) == ("stk", "127.0.0.1", "received")


@pytest.fixture
def app_without_database(settings: Settings, redis_client: Redis) -> Iterator[Flask]:
    nowhere = f"postgresql://cycle@127.0.0.1:{free_port()}/cycle"
    down = Database(nowhere, pin_pepper="p" * 32, pool_timeout_seconds=0.2)
    down.open()
    with web_process(Services(settings, down, redis_client)) as app:
        yield app
    down.close()


def test_without_postgresql_each_of_a_burst_is_told_that_it_was_not_stored(
    app_without_database: Flask,
) -> None:
    answers = posted_at_once(app_without_database, [uuid4().hex for _ in range(12)])

    assert answers == [(500, '{"ResultCode":1,"ResultDesc":"Not stored"}\n')] * 12


def test_a_redis_that_hangs_keeps_no_callback_from_its_answer(
    settings: Settings, database: Database
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # It takes connections and never answers; the client would wait for minutes.
        redis = connect(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", answer_seconds=300)
        # Without Flask behind: its limits are counted in Redis, for all apps of a process.
        hooks = mpesa_hooks.routes(Services(settings, database, redis))
        front = Front(hooks, NotFound(), threads=1, trusted_proxies=0)
        client = Client(ASGIMiddleware(front))  # type: ignore[arg-type]
        answers = [client.post(f"/hooks/stk/{uuid4().hex}", json={}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
