"""The Flask app: finds its channels, limits bodies, logs requests without their content."""

import pkgutil
from importlib import import_module
from time import perf_counter

import structlog
from flask import Blueprint, Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from ussd_app import channels
from ussd_app.metrics import REQUEST_SECONDS
from ussd_app.services import Services
from ussd_app.settings import Settings

AT_BODY_BYTES = 16 * 1024
"""Largest form that /at takes: Africa's Talking sends at most a few hundred bytes."""
BODY_BYTES = 64 * 1024
"""Largest body elsewhere; a blueprint that takes more says so before it reads."""

_log = structlog.get_logger(__name__)


def create_app(services: Services | None = None) -> Flask:
    """Build the web process around its services; without them, from the environment.

    Raises jobs.settings.SettingsError, which names every problem of the environment.
    """
    services = services or Services.open(Settings.load())
    app = Flask("ussd_app", static_folder=None)
    app.extensions["cycle"] = services
    app.secret_key = services.settings.secret_key.get_secret_value()
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    if services.settings.trusted_proxies:
        count = services.settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _failed)
    for blueprint in find_blueprints():
        app.register_blueprint(blueprint)
    return app


def find_blueprints() -> list[Blueprint]:
    """Import every module or package in ussd_app/channels and return their blueprints."""
    names = sorted(module.name for module in pkgutil.iter_modules(channels.__path__))
    return [import_module(f"ussd_app.channels.{name}").blueprint for name in names]


def _begin() -> None:
    g.started = perf_counter()
    if request.path.startswith("/at/"):
        request.max_content_length = AT_BODY_BYTES


def _finish(response: Response) -> Response:
    # The rule and not the path: paths carry keys and tokens.
    rule = request.url_rule.rule if request.url_rule else "unknown"
    seconds = perf_counter() - g.get("started", perf_counter())
    REQUEST_SECONDS.labels(rule, request.method, response.status_code).observe(seconds)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    # What a hook takes stands in its inbox table; a second record would only cost time.
    stored = rule.startswith("/hooks/") and response.status_code == 200
    if rule not in _QUIET and not stored:
        _log.info(
            "request",
            method=request.method,
            route=rule,
            status=response.status_code,
            milliseconds=round(seconds * 1000, 1),
        )
    return response


_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


def _refused(error: HTTPException) -> Response:
    return _short_answer(error.code or 500, error.name)


def _failed(error: Exception) -> Response:
    _log.error("request_failed", exc_info=error)
    return _short_answer(500, "Internal Server Error")


def _short_answer(status: int, title: str) -> Response:
    """Say what went wrong in the form the caller reads; never a stack trace."""
    if request.path.startswith("/api/"):
        code = title.lower().replace(" ", "_")
        problem = jsonify(type="about:blank", title=title, status=status, code=code)
        problem.content_type = "application/problem+json"
        problem.status_code = status
        return problem
    return Response(f"{title}\n", status=status, content_type="text/plain; charset=utf-8")
