"""The operators' routes."""

from flask.testing import FlaskClient
from redis import Redis

from jobs.heartbeat import beat, leave


def test_healthz_answers_without_any_server(client: FlaskClient) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_ready_needs_a_worker_and_a_clock(client: FlaskClient, redis_client: Redis) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {
        "ready": False,
        "checks": {
            "database": "ok",
            "migrations": "ok",
            "redis": "ok",
            "worker": "missing",
            "cron": "missing",
        },
    }

    beat(redis_client, "worker", "a")
    beat(redis_client, "cron", "b")
    assert client.get("/readyz").status_code == 200

    leave(redis_client, "worker", "a")
    assert client.get("/readyz").json["checks"]["worker"] == "missing"


def test_metrics_count_requests_by_route_and_not_by_path(client: FlaskClient) -> None:
    client.get("/a-secret-key-in-a-path")

    figures = client.get("/metrics").text
    assert 'cycle_request_seconds_count{method="GET",route="unknown",status="404"}' in figures
    assert "a-secret-key-in-a-path" not in figures
