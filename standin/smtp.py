"""A mail server that keeps what it is given, and can misbehave like one on the Internet."""

import asyncio
import itertools
import socket
import threading
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from standin.clock import Clock
from standin.faults import Fault
from standin.world import World

_TEMPORARY = "451 4.3.0 Temporary local problem, try again later"
_REFUSED = "554 5.7.1 Message refused"
_ACCEPTED = "250 2.0.0 Message accepted"
_MESSAGE_BYTES_MAX = 25 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Mail:
    """One captured mail with its envelope; ``content`` is RFC 822."""

    id: int
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    received_at: datetime

    def as_json(self) -> dict[str, Any]:
        """Return the mail as ``GET /mail`` lists it."""
        headers = message_from_bytes(self.content, policy=policy.default)
        return {
            "id": self.id,
            "from": self.sender,
            "to": list(self.recipients),
            "subject": str(headers.get("Subject", "")),
            "bytes": len(self.content),
            "at": self.received_at.isoformat(timespec="seconds"),
        }


class Mailbox:
    """All captured mail in order of arrival. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._mails: dict[int, Mail] = {}

    def put(self, sender: str, recipients: list[str], content: bytes) -> None:
        """Keep a mail."""
        with self._lock:
            identifier = next(self._ids)
            self._mails[identifier] = Mail(
                identifier, sender, tuple(recipients), content, self._clock.now()
            )

    def all(self) -> list[Mail]:
        """Return every mail, oldest first."""
        with self._lock:
            return list(self._mails.values())

    def get(self, identifier: int) -> Mail | None:
        """Return one mail, if there is one with this id."""
        with self._lock:
            return self._mails.get(identifier)

    def clear(self) -> None:
        """Forget all mail; ids go on."""
        with self._lock:
            self._mails.clear()


class _Handler:
    """aiosmtpd's hooks: faults are decided once a message, when its data has come."""

    def __init__(self, world: World, mailbox: Mailbox) -> None:
        self._world = world
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        recipients = [str(recipient) for recipient in envelope.rcpt_tos]
        content = envelope.original_content or b""
        entry = self._world.requests.add(
            "smtp", "DATA", "", {"to": recipients, "bytes": len(content)}, self._world.clock.now()
        )
        fault = self._world.faults.pick("smtp")
        answer = _ACCEPTED
        if fault is not None:
            entry.fault = fault.kind
            answer = await _misbehave(server, fault)
        if answer == _ACCEPTED or (fault is not None and fault.kind == "lose_reply"):
            self._mailbox.put(str(envelope.mail_from or ""), recipients, content)
        entry.status = int(answer[:3])
        return answer


async def _misbehave(server: SMTP, fault: Fault) -> str:
    if fault.kind == "slow":
        await asyncio.sleep(5.0 if fault.seconds is None else fault.seconds)
        return _ACCEPTED
    if fault.kind in ("drop", "lose_reply") and server.transport is not None:
        server.transport.close()
        return _TEMPORARY
    return _REFUSED if fault.kind == "refuse" else _TEMPORARY


class _Controller(Controller):
    """A controller on a socket that is bound already, so that a taken port shows at once."""

    def __init__(self, handler: _Handler, host: str, port: int, **parameters: Any) -> None:
        self._listener = socket.create_server((host, port))
        super().__init__(handler, hostname=host, port=self._listener.getsockname()[1], **parameters)

    def _create_server(self) -> Awaitable[asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._listener)


class MailServer:
    """An SMTP server; AUTH is asked for when a login is configured.

    Raises OSError when the port is taken; port 0 takes a free one.
    """

    def __init__(self, world: World, mailbox: Mailbox, host: str = "127.0.0.1", port: int = 0):
        self._settings = world.settings
        self._controller = _Controller(
            _Handler(world, mailbox),
            host,
            port,
            authenticator=self._authenticate,
            auth_required=bool(world.settings.smtp_user),
            auth_require_tls=False,
            data_size_limit=_MESSAGE_BYTES_MAX,
            ident="standin",
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._controller.port)

    def start(self) -> None:
        """Answer connections."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop(no_assert=True)

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any
    ) -> AuthResult:
        expected = (self._settings.smtp_user, self._settings.smtp_pass.get_secret_value())
        given = (
            (login.login.decode(), login.password.decode())
            if isinstance(login, LoginPassword)
            else None
        )
        return AuthResult(success=given == expected)
