"""A Daraja that a test scripts: it answers what it is told and keeps what it was asked."""

import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Reply = tuple[int, bytes] | None
"""A status and a body, or None to close the connection without an answer."""


def said(status: int = 200, **fields: object) -> Reply:
    """Return a JSON answer."""
    return status, json.dumps(fields).encode()


def refused(status: int, code: str, message: str = "") -> Reply:
    """Return Daraja's error envelope."""
    return said(status, requestId="1-2-3", errorCode=code, errorMessage=message)


class Gateway:
    """Listens on a free port. ``reply`` takes the path, the bearer token and the request."""

    def __init__(self) -> None:
        self.forget()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                gateway.oauth_calls += 1
                self._answer(gateway.oauth_reply(gateway.oauth_calls))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                token = self.headers["Authorization"].removeprefix("Bearer ")
                gateway.posts.append((self.path, token, body))
                self._answer(gateway.reply(self.path, token, body))

            def _answer(self, reply: Reply) -> None:
                if reply is None:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(reply[0])
                self.send_header("Content-Length", str(len(reply[1])))
                self.end_headers()
                self.wfile.write(reply[1])

            def log_message(self, *arguments: object) -> None:
                pass

        # The usual backlog of five makes the sixth of many clients at once wait a second.
        self.server = type("Server", (ThreadingHTTPServer,), {"request_queue_size": 64})(
            ("127.0.0.1", 0), Handler
        )
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def forget(self) -> None:
        """Forget what was asked, and answer as a Daraja does that accepts everything."""
        self.oauth_calls = 0
        self.oauth_reply: Callable[[int], Reply] = lambda number: said(
            access_token=f"token{number}", expires_in="3599"
        )
        self.reply: Callable[[str, str, dict[str, object]], Reply] = lambda path, token, body: said(
            ResponseCode="0", CheckoutRequestID="ws_CO_1"
        )
        self.posts: list[tuple[str, str, dict[str, object]]] = []

    def posted(self, path_part: str) -> list[dict[str, object]]:
        """Return the requests to one API, in order."""
        return [body for path, _, body in self.posts if path_part in path]

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
