"""The front as an ASGI server calls it: what a WSGI client of the tests can't say."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from werkzeug.wrappers import Request, Response

from ussd_app.front import Callback, Front, Route

FORM = (b"content-type", b"application/x-www-form-urlencoded")
FORM_BYTES = 100
STORED_BYTES = 64


async def form_of(request: Callback) -> Response:
    form = await request.read_form(FORM_BYTES)
    return Response(json.dumps([form.to_dict(flat=False), request.remote_addr]))


async def start_of(request: Callback, token: str) -> Response:
    body = await request.read(STORED_BYTES)
    return Response(f"{token} {len(body)}")


class Bounded(Request):
    max_content_length = 1_000


@Bounded.application
def behind(request: Request) -> Response:
    body = request.get_data(as_text=True)
    return Response(json.dumps([request.headers.get("X-Forwarded-For"), request.cookies, body]))


def call(
    path: str,
    body: Iterable[bytes] = (b"",),
    headers: Iterable[tuple[bytes, bytes]] = (),
    *,
    trusted_proxies: int = 0,
    query: bytes = b"",
    hangs_up: bool = False,
) -> tuple[int, str, int]:
    """Return status, text, and how many parts of the body were left unread.

    A client that hangs up has promised more than it sends.
    """
    front = Front(
        [Route("/form", form_of), Route("/start/<token>", start_of)],
        behind,
        threads=1,
        trusted_proxies=trusted_proxies,
    )
    waiting = list(body)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not waiting:
            return {"type": "http.disconnect"}
        return {
            "type": "http.request",
            "body": waiting.pop(0),
            "more_body": hangs_up or bool(waiting),
        }

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "query_string": query,
        "root_path": "",
        "headers": list(headers),
        "client": ("192.0.2.9", 4711),
        "server": ("127.0.0.1", 8000),
    }
    asyncio.run(front(scope, receive, send))
    assert sent[0]["type"] == "http.response.start"
    text = b"".join(message.get("body", b"") for message in sent).decode()
    return sent[0]["status"], text, len(waiting)


def test_a_form_in_parts_and_without_its_length_is_read_whole() -> None:
    assert call("/form", [b"a=1&", b"b=%C3%A9", b"&a=2"], [FORM]) == (
        200,
        '[{"a": ["1", "2"], "b": ["\\u00e9"]}, "192.0.2.9"]',
        0,
    )


def test_a_form_that_is_too_long_is_refused_before_it_is_read() -> None:
    parts = [b"a=" + b"x" * 60] * 10
    assert call("/form", parts, [FORM]) == (413, "Request Entity Too Large\n", 8)


def test_of_a_long_callback_the_start_is_read_and_no_more() -> None:
    assert call("/start/abc", [b"x" * 60] * 10) == (200, "abc 64", 8)


def test_a_client_that_hangs_up_while_it_sends_changes_nothing() -> None:
    assert call("/form", [], [FORM])[:2] == (400, "Bad Request\n")


def test_the_outermost_trusted_proxy_tells_who_calls() -> None:
    told = [FORM, (b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-for", b"198.51.100.2")]
    seen = [call("/form", [b"a=1"], told, trusted_proxies=count)[1] for count in range(4)]
    assert [json.loads(text)[1] for text in seen] == [
        "192.0.2.9",
        "198.51.100.2",
        "198.51.100.1",
        "192.0.2.9",
    ]


def test_flask_behind_gets_body_cookies_and_no_header_in_disguise() -> None:
    headers = [
        (b"x-forwarded-for", b"198.51.100.1"),
        (b"x_forwarded_for", b"203.0.113.66"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
    ]
    assert call("/page", [b"in ", b"parts"], headers) == (
        200,
        '["198.51.100.1", {"a": "1", "b": "2"}, "in parts"]',
        0,
    )


def test_a_form_cut_short_is_no_form_behind_the_front_either() -> None:
    assert call("/page", [b"from=1&amount=5"], [FORM], hangs_up=True)[0] == 400


def test_bytes_that_a_query_should_have_escaped_are_escaped() -> None:
    status, _, _ = call("/page", query=b"q=\xc3\xa9&r=%C3%A9")
    assert status == 200
