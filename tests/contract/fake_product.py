"""A tiny product for the stand-in's own tests: records what it gets, answers what it is told."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

DEADLINE_SECONDS = 10.0


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until the condition holds, or fail saying what was waited for."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.01)


@dataclass
class Received:
    """One form that the stand-in posted."""

    path: str
    form: dict[str, str]
    headers: dict[str, str]


@dataclass
class Reply:
    """What the fake product answers."""

    body: str = "CON What?"
    status: int = 200
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class FakeProduct:
    """Listens on a free port; ``ussd`` decides the screens, ``status`` the other answers."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.ussd: Callable[[dict[str, str]], Reply] = lambda form: Reply()
        self.statuses: list[int] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def of(self, callback: str) -> list[Received]:
        """What came to one callback, in order."""
        with self._lock:
            return [r for r in self.received if r.path == f"/at/secret/{callback}"]

    def _answer(self, received: Received) -> Reply:
        with self._lock:
            self.received.append(received)
            if received.path.endswith("/ussd"):
                ussd = self.ussd
            else:
                return Reply(body="", status=self.statuses.pop(0) if self.statuses else 200)
        return ussd(received.form)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        product = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {k: v[0] for k, v in parse_qs(body, keep_blank_values=True).items()}
                reply = product._answer(Received(self.path, form, dict(self.headers)))
                time.sleep(reply.seconds)
                content = reply.body.encode()
                with suppress(ConnectionError):  # nobody waits for a slow answer
                    self._send(reply, content)

            def _send(self, reply: Reply, content: bytes) -> None:
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.content_type)
                self.send_header("Content-Length", str(len(content)))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
