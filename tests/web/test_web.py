"""The frame around every channel: bodies, errors, logs, proxies."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
import structlog
from flask import Flask, request
from flask.testing import FlaskClient
from redis import Redis

from ledger.db.engine import Database
from tests.web_process import web_process
from ussd_app.services import Services
from ussd_app.settings import Settings
from ussd_app.web import AT_BODY_BYTES, BODY_BYTES


@pytest.fixture
def own_app(settings: Settings, database: Database, redis_client: Redis) -> Iterator[Flask]:
    """An app that a test may add routes to."""
    with web_process(Services(settings, database, redis_client)) as built:
        yield built


def with_echoes(app: Flask) -> Flask:
    @app.post("/at/echo/<key>")
    @app.post("/echo")
    def echo(key: str = "") -> str:
        return f"{len(request.get_data())} {key and 'keyed'}"

    @app.get("/address")
    def address() -> str:
        return request.remote_addr or ""

    @app.get("/broken/<token>")
    @app.get("/api/broken/<token>")
    def broken(token: str) -> str:
        raise RuntimeError(f"a bug with {token}")

    return app


def test_body_limits_are_16_kib_for_africas_talking_and_64_kib_elsewhere(own_app: Flask) -> None:
    client = with_echoes(own_app).test_client()

    assert client.post("/at/echo/k", data=b"x" * AT_BODY_BYTES).status_code == 200
    assert client.post("/at/echo/k", data=b"x" * (AT_BODY_BYTES + 1)).status_code == 413
    assert client.post("/echo", data=b"x" * BODY_BYTES).status_code == 200
    assert client.post("/echo", data=b"x" * (BODY_BYTES + 1)).status_code == 413


def test_a_bug_is_told_in_the_callers_form_and_without_its_text(own_app: Flask) -> None:
    client = with_echoes(own_app).test_client()

    page, problem = client.get("/broken/s3cret"), client.get("/api/broken/s3cret")

    assert (page.status_code, page.text) == (500, "Internal Server Error\n")
    assert problem.status_code == 500
    assert problem.content_type == "application/problem+json"
    assert problem.json["code"] == "internal_server_error"
    assert "bug" not in page.text + problem.text


def test_requests_are_logged_by_route_and_never_by_path(client: FlaskClient) -> None:
    with structlog.testing.capture_logs() as lines:
        client.post("/at/this-is-a-key/ussd", data={"text": "1*5937"})
        client.get("/nothing/this-is-a-key?pin=5937")
        client.get("/healthz")

    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["route"], line["status"]) for line in requests] == [
        ("/at/<key>/ussd", 404),
        ("unknown", 404),
    ]
    assert "this-is-a-key" not in str(lines)
    assert "5937" not in str(lines)


def test_forwarded_addresses_are_believed_from_trusted_proxies_only(
    own_app: Flask, settings: Settings, database: Database, redis_client: Redis
) -> None:
    headers = {"X-Forwarded-For": "192.0.2.1, 198.51.100.7"}
    behind = settings.model_copy(update={"trusted_proxies": 1})

    direct = with_echoes(own_app).test_client()
    with web_process(Services(behind, database, redis_client)) as proxied_app:
        proxied = with_echoes(proxied_app).test_client()

        assert direct.get("/address", headers=headers).text == "127.0.0.1"
        assert proxied.get("/address", headers=headers).text == "198.51.100.7"


def test_hops_from_outside_the_known_networks_are_not_found(
    settings: Settings, database: Database, redis_client: Redis
) -> None:
    known = {"at_callback_networks": (ip_network("198.51.100.0/24"),), "trusted_proxies": 1}
    key = settings.at_callback_keys[0].get_secret_value()
    form = {
        "sessionId": "ATUid_network",
        "phoneNumber": "+254712345678",
        "serviceCode": settings.ussd_code,
    }
    services = Services(settings.model_copy(update=known), database, redis_client)
    with web_process(services) as app:
        statuses = [
            app.test_client()
            .post(f"/at/{key}/{route}", data=form, headers={"X-Forwarded-For": address})
            .status_code
            for route in ("ussd", "ussd-events")
            for address in ("198.51.100.7", "192.0.2.1", "198.51.100.7, 192.0.2.1")
        ]
    assert statuses == [200, 404, 404, 400, 404, 404]
