"""The web process's app in the test's own process, entered where the server would enter it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from a2wsgi import ASGIMiddleware
from flask import Flask

from ussd_app.services import Services
from ussd_app.web import create_app, create_front


@contextmanager
def web_process(services: Services) -> Iterator[Flask]:
    """Flask's app, whose test clients go through the front on an event loop, as all requests do."""
    app = create_app(services)
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="web-loop")
    thread.start()
    entered: Any = ASGIMiddleware(create_front(app), loop=loop)

    def enter(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environ.setdefault("REMOTE_PORT", "9")  # without it there is no client's address
        return list(entered(environ, start_response))  # to its end, whatever the test reads of it

    app.wsgi_app = enter  # type: ignore[method-assign]
    try:
        yield app
    finally:
        asyncio.run_coroutine_threadsafe(services.pipeline.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
