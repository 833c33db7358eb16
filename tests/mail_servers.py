"""Mail servers with TLS, made by aiosmtpd and a test's own authority, and servers that fail."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "cycle", "correct horse"


@dataclass(frozen=True)
class Authority:
    """A certificate authority in a folder, and the server's certificate that it signed."""

    certificate: Path
    chain: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.chain)
        return context


def make_authority(folder: Path, *, name: str = "127.0.0.1") -> Authority:
    """Make an authority whose one server has this address or host name."""
    folder.mkdir()
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Test CA of {folder.name}")])
    root = _sign(root_name, root_key, root_name, root_key, None)
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = _sign(subject, key, root_name, root_key, alternative)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(root.public_bytes(pem))
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(certificate.public_bytes(pem) + private)
    return Authority(folder / "ca.pem", folder / "server.pem")


def _sign(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    alternative: x509.GeneralName | None,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(alternative is None, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if alternative is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
    else:
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


@dataclass
class Kept:
    """What a server took: messages, and the login that came with them."""

    messages: list[bytes] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.messages.append(envelope.original_content or b"")
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 taken"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


class _AnyPort(Controller):
    """Listens on a free port; aiosmtpd would knock at port 0, or speak as a server."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        socket.create_connection(("127.0.0.1", self.port), 5).close()


@contextmanager
def tls_server(authority: Authority, *, from_start: bool) -> Iterator[tuple[int, Kept]]:
    """Run a server that takes mail over TLS from whoever logs in; yield its port and its mail."""
    kept = Kept()
    context = authority.server_context()
    settings = {"ssl_context": context} if from_start else {"tls_context": context}
    controller = _AnyPort(
        kept,
        hostname="127.0.0.1",
        port=0,
        authenticator=kept.authenticate,
        # aiosmtpd knows of TLS only where it has begun it itself.
        auth_required=not from_start,
        auth_require_tls=not from_start,
        require_starttls=not from_start,
        **settings,
    )
    controller.start()
    try:
        yield controller.port, kept
    finally:
        controller.stop()


@contextmanager
def scripted_server(*answers: bytes, hang: bool = False) -> Iterator[tuple[int, list[bytes]]]:
    """Run a server that says each answer in turn, then closes, or says nothing more.

    Yields its port and the lines that it read. After ``354`` it reads a little of the message.
    """
    read: list[bytes] = []
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_converse, args=(listener, answers, read, over, hang))
        thread.start()
        try:
            yield listener.getsockname()[1], read
        finally:
            over.set()
            thread.join(timeout=10)


def _converse(
    listener: socket.socket,
    answers: tuple[bytes, ...],
    read: list[bytes],
    over: threading.Event,
    hang: bool,
) -> None:
    listener.settimeout(10)
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as lines:
        connection.settimeout(10)
        for number, answer in enumerate(answers):
            connection.sendall(answer + b"\r\n")
            if answer.startswith(b"354"):
                read.append(connection.recv(64))
            elif number < len(answers) - 1 or hang:
                read.append(lines.readline())
        if hang:
            over.wait(10)
