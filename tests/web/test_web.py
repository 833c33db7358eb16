"""The frame around every channel: bodies, errors, logs, proxies."""

import structlog
from flask import Flask, request
from flask.testing import FlaskClient
from redis import Redis

from ledger.db.engine import Database
from ussd_app.services import Services
from ussd_app.settings import Settings
from ussd_app.web import AT_BODY_BYTES, BODY_BYTES, create_app


def echo_app(settings: Settings, database: Database, redis_client: Redis) -> Flask:
    app = create_app(Services(settings, database, redis_client))

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


def test_body_limits_are_16_kib_for_africas_talking_and_64_kib_elsewhere(
    settings: Settings, database: Database, redis_client: Redis
) -> None:
    client = echo_app(settings, database, redis_client).test_client()

    assert client.post("/at/echo/k", data=b"x" * AT_BODY_BYTES).status_code == 200
    assert client.post("/at/echo/k", data=b"x" * (AT_BODY_BYTES + 1)).status_code == 413
    assert client.post("/echo", data=b"x" * BODY_BYTES).status_code == 200
    assert client.post("/echo", data=b"x" * (BODY_BYTES + 1)).status_code == 413


def test_a_bug_is_told_in_the_callers_form_and_without_its_text(
    settings: Settings, database: Database, redis_client: Redis
) -> None:
    client = echo_app(settings, database, redis_client).test_client()

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
    settings: Settings, database: Database, redis_client: Redis
) -> None:
    headers = {"X-Forwarded-For": "192.0.2.1, 198.51.100.7"}
    behind = settings.model_copy(update={"trusted_proxies": 1})

    direct = echo_app(settings, database, redis_client).test_client()
    proxied = echo_app(behind, database, redis_client).test_client()

    assert direct.get("/address", headers=headers).text == "127.0.0.1"
    assert proxied.get("/address", headers=headers).text == "198.51.100.7"
