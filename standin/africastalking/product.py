"""Where the product listens, and the form posts that Africa's Talking makes to it."""

import threading
from collections.abc import Mapping
from urllib.parse import urlencode

from standin.sender import Delivery, Sender

FORM = "application/x-www-form-urlencoded"


class Product:
    """The product's address and callback key; both may change while the stand-in runs."""

    def __init__(self, sender: Sender, url: str, key: str) -> None:
        self._sender = sender
        self._lock = threading.Lock()
        self._url = url.rstrip("/")
        self._key = key

    def change(self, *, url: str | None = None, key: str | None = None) -> None:
        """Post to another address or under another key from now on."""
        with self._lock:
            self._url = self._url if url is None else url.rstrip("/")
            self._key = self._key if key is None else key

    def as_json(self) -> dict[str, str]:
        """Return what ``PUT /settings`` takes."""
        with self._lock:
            return {"product_url": self._url, "at_key": self._key}

    def post(
        self,
        at: str,
        callback: str,
        form: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 10.0,
        fault: str | None = None,
    ) -> Delivery:
        """Post a form to ``/at/<key>/<callback>`` and return what became of it; never raises."""
        with self._lock:
            url = f"{self._url}/at/{self._key}/{callback}"
        return self._sender.post(
            at,
            url,
            urlencode(form),
            {"Content-Type": FORM, **(headers or {})},
            timeout_seconds=timeout_seconds,
            fault=fault,
        )
