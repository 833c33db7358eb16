"""The front of the web process: answers what providers post most, on its event loop.

A route here is a rule, as Flask writes it, and a coroutine of the request that returns Werkzeug's
response. Nothing in it may block: what asks PostgreSQL does so in a thread. All else goes to
Flask, in threads of its own. Errors are short, requests logged and counted as behind Flask
(decision 0007).
"""

import re
import string
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from io import BytesIO
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import structlog
from a2wsgi import WSGIMiddleware
from werkzeug.datastructures import Headers, MultiDict
from werkzeug.exceptions import (
    ClientDisconnected,
    HTTPException,
    MethodNotAllowed,
    RequestEntityTooLarge,
)
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_list_header
from werkzeug.sansio.request import Request
from werkzeug.wrappers import Response

from ussd_app.request_record import record

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from a2wsgi.asgi_typing import HTTPScope, Receive, Send

_log = structlog.get_logger(__name__)
_forms = FormDataParser()


class Callback(Request):
    """A provider's request; ``noted`` is what its line in the log tells besides."""

    def __init__(self, scope: "HTTPScope", receive: "Receive", trusted_proxies: int) -> None:
        headers = Headers(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
        )
        super().__init__(
            method=scope["method"],
            scheme=scope["scheme"],
            server=None,
            root_path="",
            path=scope["path"],
            query_string=scope["query_string"],
            headers=headers,
            remote_addr=_caller(scope, headers, trusted_proxies),
        )
        self._receive = receive
        self.noted: dict[str, Any] = {}

    async def read(self, bytes_max: int) -> bytes:
        """Return the body's first bytes; the rest is not read."""
        body = bytearray()
        while len(body) < bytes_max:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientDisconnected
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        return bytes(body[:bytes_max])

    async def read_form(self, bytes_max: int) -> MultiDict[str, str]:
        """Return the posted form; raises RequestEntityTooLarge for a longer body."""
        body = await self.read(bytes_max + 1)
        if len(body) > bytes_max:
            raise RequestEntityTooLarge
        kind, options = self.mimetype, self.mimetype_params
        _, form, _ = _forms.parse(BytesIO(body), kind, len(body), options)
        return form


@dataclass(frozen=True, slots=True)
class Route:
    """One rule and what answers a POST to it; the rule's parts are handed over by name."""

    rule: str
    answer: Callable[..., Awaitable[Response]]
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.sub(r"<([a-z_]+)>", r"(?P<\1>[^/]+)", self.rule)
        object.__setattr__(self, "pattern", re.compile(pattern))


class Front:
    """An ASGI application that answers its routes and leaves all else to the WSGI one behind."""

    def __init__(
        self,
        routes: Iterable[Route],
        behind: "WSGIApplication",
        *,
        threads: int,
        trusted_proxies: int,
    ) -> None:
        self.routes = tuple(routes)
        self._behind = WSGIMiddleware(_of_known_length(behind), workers=threads)
        self._trusted_proxies = trusted_proxies

    async def __call__(self, scope: "HTTPScope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        for route in self.routes:
            found = route.pattern.fullmatch(scope["path"])
            if found is not None:
                request = Callback(scope, receive, self._trusted_proxies)
                response = await _answer(route, request, found.groupdict())
                await _send(response, send)
                return
        await _pass_on(self._behind, scope, receive, send)


async def _answer(route: Route, request: Callback, parts: dict[str, str]) -> Response:
    started = perf_counter()
    try:
        if request.method != "POST":
            raise MethodNotAllowed(["POST"])
        response = await route.answer(request, **parts)
    except HTTPException as error:
        response = short_answer(error.code or 500, error.name)
    except Exception as error:
        _log.error("request_failed", exc_info=error)
        response = short_answer(500, "Internal Server Error")
    seconds = perf_counter() - started
    record(route.rule, request.method, response.status_code, seconds, request.noted)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


async def _send(response: Response, send: "Send") -> None:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in response.headers
    ]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.get_data()})


def short_answer(status: int, title: str) -> Response:
    """Say what went wrong in one line; never a stack trace."""
    return Response(f"{title}\n", status, content_type="text/plain; charset=utf-8")


def _caller(scope: "HTTPScope", headers: Headers, trusted_proxies: int) -> str | None:
    """Return who calls: what the outermost trusted proxy saw, as Werkzeug's ProxyFix counts."""
    if trusted_proxies:
        told = parse_list_header(",".join(headers.getlist("X-Forwarded-For")))
        if len(told) >= trusted_proxies:
            return told[-trusted_proxies]
    client = scope.get("client")
    return client[0] if client else None


def _of_known_length(application: "WSGIApplication") -> Any:
    """Tell Werkzeug that the body ends by itself, also one without a Content-Length."""

    def told(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["wsgi.input_terminated"] = True
        return application(environ, start_response)

    return told


async def _pass_on(
    behind: WSGIMiddleware, scope: "HTTPScope", receive: "Receive", send: "Send"
) -> None:
    async def received() -> Any:
        message = await receive()
        if message["type"] == "http.disconnect":
            # Werkzeug answers 400 to this; a body's beginning would pass for the whole.
            raise OSError("the client hung up")
        return message

    # Raw bytes that should have been escaped would break the library.
    query = quote(scope["query_string"], safe=string.punctuation).encode()
    told = cast(
        "HTTPScope", {**scope, "headers": _for_wsgi(scope["headers"]), "query_string": query}
    )
    await behind(told, received, send)


def _for_wsgi(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return headers that may become WSGI's variables.

    One with an underscore would pass for one with a hyphen, such as a proxy's; HTTP/2 may split
    the cookies, which are not joined by a comma.
    """
    cookies = [value for name, value in headers if name == b"cookie"]
    others = [(name, value) for name, value in headers if name != b"cookie" and b"_" not in name]
    return [*others, (b"cookie", b"; ".join(cookies))] if cookies else others
