"""The fast lane: what providers post most, answered in front of Flask (decision 0007).

A route here is a rule, as Flask writes it, and a function of Werkzeug's request that returns
Werkzeug's response. Flask's contexts, hooks and sessions serve people with browsers; they would
cost a hop more than its own work does. Bodies are bounded, errors short, requests logged and
counted exactly as behind Flask.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import structlog
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Request, Response

from ussd_app.request_record import record

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_log = structlog.get_logger(__name__)


class Callback(Request):
    """A provider's request; ``noted`` is what its line in the log tells besides."""

    def __init__(self, environ: "WSGIEnvironment") -> None:
        super().__init__(environ, populate_request=False)
        self.noted: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Route:
    """One rule and what answers a POST to it; the rule's parts are handed over by name."""

    rule: str
    answer: Callable[..., Response]
    body_bytes_max: int
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.sub(r"<([a-z_]+)>", r"(?P<\1>[^/]+)", self.rule)
        object.__setattr__(self, "pattern", re.compile(pattern))


class FastLane:
    """A WSGI application that answers its routes and leaves all else to the one behind it."""

    def __init__(self, behind: "WSGIApplication", routes: Iterable[Route]) -> None:
        self._behind = behind
        self.routes = tuple(routes)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "")
        for route in self.routes:
            found = route.pattern.fullmatch(path)
            if found is not None:
                response = _answer(route, Callback(environ), found.groupdict())
                return response(environ, start_response)
        return self._behind(environ, start_response)


def _answer(route: Route, request: Callback, parts: dict[str, str]) -> Response:
    started = perf_counter()
    request.max_content_length = route.body_bytes_max
    try:
        if request.method != "POST":
            raise MethodNotAllowed(["POST"])
        response = route.answer(request, **parts)
    except HTTPException as error:
        response = short_answer(error.code or 500, error.name)
    except Exception as error:
        _log.error("request_failed", exc_info=error)
        response = short_answer(500, "Internal Server Error")
    seconds = perf_counter() - started
    record(route.rule, request.method, response.status_code, seconds, request.noted)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def short_answer(status: int, title: str) -> Response:
    """Say what went wrong in one line; never a stack trace."""
    return Response(f"{title}\n", status, content_type="text/plain; charset=utf-8")
