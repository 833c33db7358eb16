"""OAuth: ``GET /oauth/v1/generate`` and the tokens it gave out (Daraja 1.2)."""

import base64
import binascii
import hmac
import secrets
import string
import threading
from datetime import datetime, timedelta

from flask import request

from standin.daraja.wire import Api, RefusedError, Reply
from standin.world import World

OAUTH = Api("oauth", 400, "400.008.01", "400.008.02", "500.003.1001", "Internal Server Error")
_ALPHABET = string.ascii_letters + string.digits
_TOKEN_LENGTH = 28


class Tokens:
    """Tokens in force. By default each new one ends the one before it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._ends: dict[str, datetime] = {}

    def issue(self) -> str:
        """Give out a new token."""
        token = "".join(secrets.choice(_ALPHABET) for _ in range(_TOKEN_LENGTH))
        behaviour = self._world.behaviour.now
        with self._lock:
            if behaviour.single_token:
                self._ends.clear()
            self._ends[token] = self._world.clock.now() + timedelta(seconds=behaviour.token_seconds)
        return token

    def valid(self, token: str) -> bool:
        """Tell whether a token is known and not over."""
        with self._lock:
            end = self._ends.get(token)
        return end is not None and self._world.clock.now() < end

    def revoke(self) -> None:
        """End all tokens."""
        with self._lock:
            self._ends.clear()

    def generate(self) -> Reply:
        """Answer the OAuth call. Wrong key or secret get 400 with an empty body."""
        if request.method != "GET":
            raise RefusedError(405, "405.001", "Method Not Allowed")
        if request.args.get("grant_type") != "client_credentials":
            raise RefusedError(400, "400.008.02", "Invalid grant type passed")
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic":
            raise RefusedError(400, "400.008.01", "Invalid authentication type passed")
        settings = self._world.settings
        expected = (
            f"{settings.mpesa_consumer_key}:{settings.mpesa_consumer_secret.get_secret_value()}"
        )
        try:
            given = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return Reply(400, "")
        if not hmac.compare_digest(given, expected.encode()):
            return Reply(400, "")
        seconds = self._world.behaviour.now.token_seconds
        return Reply(200, {"access_token": self.issue(), "expires_in": str(seconds - 1)})
