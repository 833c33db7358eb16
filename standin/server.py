"""One running stand-in: web server, mail server and the world behind them."""

import threading
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from standin.africastalking import Gateway
from standin.app import create_app
from standin.settings import StandinSettings
from standin.smtp import Mailbox, MailServer
from standin.world import World


class _Handler(WSGIRequestHandler):
    """Says nothing about each request: that is in ``GET /requests``."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Drop the access log."""


class Server:
    """A stand-in on its ports, a thread for every request so that slow ones hold up nobody.

    Werkzeug's server is used for the bare socket that it hands to views: cutting a connection
    in the middle of a call is one of the faults to play. Raises OSError for a taken port;
    port 0 takes a free one.
    """

    def __init__(
        self,
        settings: StandinSettings,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        smtp_port: int = 0,
    ) -> None:
        self.world = World.create(settings)
        self.gateway = Gateway(self.world)
        mailbox = Mailbox(self.world.clock)
        self._mail = MailServer(self.world, mailbox, host, smtp_port)
        app = create_app(self.world, self.gateway, mailbox)
        self._web = make_server(host, port, app, threaded=True, request_handler=_Handler)
        self._thread = threading.Thread(
            target=self._web.serve_forever, args=(0.05,), name="standin-web"
        )

    @property
    def url(self) -> str:
        """The base address of all routes."""
        return f"http://{self._web.host}:{self._web.server_port}"

    @property
    def smtp_port(self) -> int:
        """The port of the mail server."""
        return self._mail.port

    def start(self) -> None:
        """Serve in background threads."""
        self._mail.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and drop work that is not due yet."""
        self._web.shutdown()
        self._thread.join()
        self._web.server_close()
        self._mail.stop()
        self.world.close()
