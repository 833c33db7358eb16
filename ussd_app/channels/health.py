"""Is it up, is it ready, how is it doing: the operators' routes."""

from collections.abc import Callable
from functools import cache

import psycopg
import structlog
from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from psycopg_pool import PoolTimeout
from redis import RedisError

from jobs.heartbeat import alive
from ledger.db.migrate import head_revision
from ledger.db.readiness import database_revision, ping
from ussd_app.measures import measured
from ussd_app.metrics import funnel_registry, scrape_registry
from ussd_app.services import services

blueprint = Blueprint("health", __name__)
_log = structlog.get_logger(__name__)
_known_head = cache(head_revision)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Say that the process answers; it asks no other server."""
    return Response("ok\n", content_type="text/plain")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Say whether customers can be served: 200 and all ``ok``, or 503 and what is not."""
    checks = {
        name: _outcome(name, check)
        for name, check in (
            ("database", _database),
            ("migrations", _migrations),
            ("redis", _redis),
            ("worker", lambda: _beating("worker")),
            ("cron", lambda: _beating("cron")),
        )
    }
    ready = all(outcome == "ok" for outcome in checks.values())
    return jsonify(ready=ready, checks=checks), 200 if ready else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the figures of all web processes and of the database in Prometheus' text format."""
    figures = generate_latest(scrape_registry())
    try:
        figures += generate_latest(measured(services().database))
    except (psycopg.Error, PoolTimeout) as error:
        _log.warning("not_measured", error=type(error).__name__)
    try:
        figures += generate_latest(funnel_registry(services().redis))
    except RedisError as error:
        _log.warning("not_measured", error=type(error).__name__)
    return Response(figures, content_type=CONTENT_TYPE_LATEST)


def _outcome(name: str, check: Callable[[], str]) -> str:
    try:
        return check()
    except (psycopg.Error, PoolTimeout, RedisError) as error:
        _log.warning("not_ready", check=name, error=type(error).__name__)
        return "unreachable"


def _database() -> str:
    ping(services().database)
    return "ok"


def _migrations() -> str:
    return "ok" if database_revision(services().database) == _known_head() else "behind"


def _redis() -> str:
    services().redis.ping()
    return "ok"


def _beating(kind: str) -> str:
    return "ok" if alive(services().redis, kind) else "missing"
