"""Mail over SMTP: one message at a time, TLS, timeouts, and what became of it in one word.

Only a connection that breaks after the whole message went out leaves the question open: every
earlier failure means that nobody got it, for a server may not deliver a message whose end it
has not seen (RFC 5321 4.1.1.4). The Message-ID is made from the caller's key, so that
a message sent again is recognised by mail programs.
"""

import contextlib
import hashlib
import re
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cached_property

import structlog

from jobs.clients.africastalking import Outcome
from jobs.settings import JobSettings
from ledger.settings import Environment

_TIMEOUT_SECONDS = 15.0
_TLS_PORT = 465
_SENDER_NAME = "Cycle"
_LINE_START_DOT = re.compile(rb"^\.", re.MULTILINE)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message; ``media_type`` is like ``application/pdf``."""

    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """A message to send. ``key`` names its cause and makes the Message-ID."""

    key: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str | None = None
    attachments: Sequence[Attachment] = ()


@dataclass(frozen=True, slots=True)
class MailAnswer:
    """What became of a message: the outcome, the server's words without addresses, the id.

    ``ACCEPTED``: the server has it for at least one recipient. ``REFUSED``: never, for this
    address or message. ``SENDER_REFUSED``: our address or login. ``TRY_LATER``: a passing no.
    ``NOT_SENT``: no conversation came about. ``UNKNOWN``: it may have gone out.
    """

    outcome: Outcome
    reason: str
    message_id: str


class MailClient:
    """Talks to one mail server. In production it refuses to speak without TLS."""

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        *,
        user: str | None = None,
        password: str | None = None,
        tls_required: bool = True,
        tls_from_start: bool | None = None,
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        """Say where to send; ``tls_from_start`` is told by the port unless it is given."""
        self._host = host
        self._port = port
        self._sender = sender
        self._user = user
        self._password = password
        self._tls_required = tls_required
        self._tls_from_start = port == _TLS_PORT if tls_from_start is None else tls_from_start
        self._timeout_seconds = timeout_seconds

    @classmethod
    def from_settings(cls, settings: JobSettings) -> "MailClient":
        """Return the client for the server that the settings name."""
        return cls(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_from,
            user=settings.smtp_user,
            password=settings.smtp_pass.get_secret_value() if settings.smtp_pass else None,
            tls_required=settings.environment is Environment.PRODUCTION,
        )

    def send(self, mail: Mail) -> MailAnswer:
        """Send a message and say what became of it; nothing is raised for a failing server."""
        message_id = self._message_id(mail.key)
        content = compose(mail, self._sender, message_id)
        try:
            server = self._connect()
            try:
                answer = self._hand_over(server, mail.recipients, content)
            finally:
                _part(server)
        except smtplib.SMTPAuthenticationError as error:
            answer = Outcome.NOT_SENT, f"login refused ({error.smtp_code})"
        except (smtplib.SMTPException, OSError) as error:
            answer = Outcome.NOT_SENT, type(error).__name__
        outcome, reason = answer
        if outcome is not Outcome.ACCEPTED:
            _log.warning("mail_not_accepted", outcome=outcome.value, reason=reason)
        return MailAnswer(outcome, reason, message_id)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # Loading the machine's certificates takes longer than a whole conversation.
        return ssl.create_default_context()

    def _connect(self) -> smtplib.SMTP:
        timeout = self._timeout_seconds
        if self._tls_from_start:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=timeout, context=self._tls
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=timeout)
        try:
            server.ehlo_or_helo_if_needed()
            if not self._tls_from_start and server.has_extn("starttls"):
                server.starttls(context=self._tls)
            elif not self._tls_from_start and self._tls_required:
                raise smtplib.SMTPNotSupportedError("the server offers no STARTTLS")
            if self._user is not None:
                server.login(self._user, self._password or "")
        except BaseException:
            server.close()
            raise
        return server

    def _hand_over(
        self, server: smtplib.SMTP, recipients: Sequence[str], content: bytes
    ) -> tuple[Outcome, str]:
        code, words = server.mail(self._sender)
        if code != 250:
            return _no(code, words, Outcome.SENDER_REFUSED)
        refusals = []
        for recipient in recipients:
            code, words = server.rcpt(recipient)
            if code not in (250, 251):
                refusals.append(_no(code, words, Outcome.REFUSED))
        if len(refusals) == len(recipients):
            passing = (no for no in refusals if no[0] is Outcome.TRY_LATER)
            return next(passing, refusals[0])
        code, words = server.docmd("DATA")
        if code != 354:
            return _no(code, words, Outcome.REFUSED)
        server.send(_LINE_START_DOT.sub(b"..", content) + b".\r\n")
        try:
            code, words = server.getreply()
        except (smtplib.SMTPException, OSError) as error:
            return Outcome.UNKNOWN, f"{type(error).__name__} after the message"
        if code != 250:
            return _no(code, words, Outcome.REFUSED)
        return Outcome.ACCEPTED, f"{code}, {len(refusals)} of {len(recipients)} refused"

    def _message_id(self, key: str) -> str:
        name = hashlib.sha256(key.encode()).hexdigest()[:32]
        return f"<{name}@{self._sender.rpartition('@')[2]}>"


def compose(mail: Mail, sender: str, message_id: str) -> bytes:
    """Return the message as it goes over the wire, lines ending in CRLF.

    Raises ValueError for a line break in an address or subject.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = f"{_SENDER_NAME} <{sender}>"
    message["To"] = ", ".join(mail.recipients)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = message_id
    # Holiday answers and mailing lists leave such mail alone.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html")
    for attachment in mail.attachments:
        main_type, _, sub_type = attachment.media_type.partition("/")
        message.add_attachment(
            attachment.content, maintype=main_type, subtype=sub_type, filename=attachment.filename
        )
    content = message.as_bytes()
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def mask_address(address: str) -> str:
    """Hide a mail address but for its first letter and its domain: ``j***@gmail.com``."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}***@{domain}"


def _part(server: smtplib.SMTP) -> None:
    """Say goodbye; whether that is heard changes nothing about the message."""
    with contextlib.suppress(smtplib.SMTPException, OSError):
        server.quit()
    server.close()


def _no(code: int, words: bytes, for_good: Outcome) -> tuple[Outcome, str]:
    """Read a refusal: 4xx passes (RFC 5321 4.2.1), 5xx is for good. Addresses are cut out."""
    told = re.sub(r"\S*@\S*", "...", words.decode("utf-8", "replace"))[:120]
    return (Outcome.TRY_LATER if 400 <= code < 500 else for_good), f"{code} {told}"
