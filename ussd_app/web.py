"""The web application: finds its channels, limits bodies, logs requests without their content."""

import pkgutil
from importlib import import_module
from time import perf_counter
from types import ModuleType

import structlog
from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as WerkzeugResponse

from ussd_app import channels
from ussd_app.at_key import AT_BODY_BYTES
from ussd_app.front import Front, Route, short_answer
from ussd_app.request_record import record
from ussd_app.services import Services
from ussd_app.settings import Settings

BODY_BYTES = 64 * 1024
"""Largest body elsewhere; a blueprint that takes more says so before it reads."""

_log = structlog.get_logger(__name__)


def create_app(services: Services | None = None) -> Flask:
    """Build pages and API around the process's services; without them, from the environment.

    Raises jobs.settings.SettingsError, which names every problem of the environment.
    """
    services = services or Services.open(Settings.load())
    app = Flask("ussd_app", static_folder=None)
    app.extensions["cycle"] = services
    app.secret_key = services.settings.secret_key.get_secret_value()
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _failed)
    for module in _channels():
        if hasattr(module, "blueprint"):
            app.register_blueprint(module.blueprint)
    if services.settings.trusted_proxies:
        count = services.settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    return app


def create_front(app: Flask) -> Front:
    """Return the whole web process as an ASGI application, with the app behind its front."""
    services: Services = app.extensions["cycle"]
    return Front(
        front_routes(services),
        app.wsgi_app,
        threads=services.settings.web_threads,
        trusted_proxies=services.settings.trusted_proxies,
    )


def front_routes(services: Services) -> list[Route]:
    """Return the routes that are answered in front of Flask."""
    return [
        route
        for module in _channels()
        if hasattr(module, "routes")
        for route in module.routes(services)
    ]


def _channels() -> list[ModuleType]:
    """Import every module or package in ussd_app/channels: each has a blueprint or routes."""
    names = sorted(module.name for module in pkgutil.iter_modules(channels.__path__))
    return [import_module(f"ussd_app.channels.{name}") for name in names]


def _begin() -> None:
    g.started = perf_counter()
    if request.path.startswith("/at/"):
        request.max_content_length = AT_BODY_BYTES


def _finish(response: Response) -> Response:
    rule = request.url_rule.rule if request.url_rule else "unknown"
    seconds = perf_counter() - g.get("started", perf_counter())
    record(rule, request.method, response.status_code, seconds)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


def _refused(error: HTTPException) -> WerkzeugResponse:
    return _short_form(error.code or 500, error.name)


def _failed(error: Exception) -> WerkzeugResponse:
    _log.error("request_failed", exc_info=error)
    return _short_form(500, "Internal Server Error")


def _short_form(status: int, title: str) -> WerkzeugResponse:
    """Say what went wrong in the form the caller reads."""
    if request.path.startswith("/api/"):
        code = title.lower().replace(" ", "_")
        problem = jsonify(type="about:blank", title=title, status=status, code=code)
        problem.content_type = "application/problem+json"
        problem.status_code = status
        return problem
    return short_answer(status, title)
