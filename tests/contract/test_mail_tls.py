"""Mail over real TLS, and servers that refuse, hang or close at every step."""

from email import message_from_bytes, policy
from pathlib import Path

import pytest

from jobs.clients.africastalking import Outcome
from jobs.clients.mail import Attachment, Mail, MailClient
from tests.mail_servers import (
    PASSWORD,
    USER,
    Authority,
    make_authority,
    scripted_server,
    tls_server,
)

PDF = b"%PDF-1.7\r\n.\r\n\x00\xff" * 2_000
MAIL = Mail(
    key="statement:7KQ2MRX9TB",
    recipients=("jane@example.org",),
    subject="Taarifa yako ya Zoë",
    text="Habari,\n.\n..kwaheri\n",
    attachments=(Attachment("taarifa.pdf", "application/pdf", PDF),),
)
HELLO = (b"220 mail", b"250 mail")


def client_of(
    port: int, *, from_start: bool = False, password: str = PASSWORD, timeout: float = 5.0
) -> MailClient:
    return MailClient(
        "127.0.0.1",
        port,
        "cycle@example.org",
        user=USER,
        password=password,
        tls_from_start=from_start,
        timeout_seconds=timeout,
    )


def plain_client(port: int, *, timeout: float = 5.0) -> MailClient:
    return MailClient(
        "127.0.0.1", port, "cycle@example.org", tls_required=False, timeout_seconds=timeout
    )


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that this machine trusts."""
    made = make_authority(tmp_path / "trusted")
    monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
    return made


@pytest.mark.parametrize("from_start", [False, True], ids=["starttls", "tls"])
def test_mail_goes_over_tls_with_a_login(authority: Authority, from_start: bool) -> None:
    with tls_server(authority, from_start=from_start) as (port, kept):
        answer = client_of(port, from_start=from_start).send(MAIL)
    assert answer.outcome is Outcome.ACCEPTED, answer.reason
    assert kept.encrypted == [True]
    assert kept.logins == [(USER.encode(), PASSWORD.encode())]
    (content,) = kept.messages
    message = message_from_bytes(content, policy=policy.default)
    (attachment,) = message.iter_attachments()  # type: ignore[attr-defined]
    assert attachment.get_content() == PDF


@pytest.mark.parametrize("from_start", [False, True], ids=["starttls", "tls"])
@pytest.mark.parametrize("name", ["127.0.0.1", "mail.example.org"], ids=["stranger", "other name"])
def test_a_certificate_that_proves_nothing_gets_neither_mail_nor_password(
    authority: Authority, tmp_path: Path, from_start: bool, name: str
) -> None:
    trusted = name != "127.0.0.1"
    shown = make_authority(tmp_path / "shown", name=name)
    if trusted:
        bundle = authority.certificate
        bundle.write_bytes(bundle.read_bytes() + shown.certificate.read_bytes())
    with tls_server(shown, from_start=from_start) as (port, kept):
        answer = client_of(port, from_start=from_start).send(MAIL)
    assert answer.outcome is Outcome.NOT_SENT
    assert answer.reason == "SSLCertVerificationError"
    assert (kept.messages, kept.logins) == ([], [])


@pytest.mark.parametrize("from_start", [False, True], ids=["starttls", "tls"])
def test_a_wrong_password_is_not_sent_and_not_told(authority: Authority, from_start: bool) -> None:
    with tls_server(authority, from_start=from_start) as (port, kept):
        answer = client_of(port, from_start=from_start, password="wrong").send(MAIL)
    assert (answer.outcome, answer.reason) == (Outcome.NOT_SENT, "login refused (535)")
    assert kept.messages == []


@pytest.mark.parametrize(
    "starttls", [b"454 not now", b"220 go on"], ids=["refused", "closed in the handshake"]
)
def test_no_password_leaves_before_tls_stands(authority: Authority, starttls: bytes) -> None:
    with scripted_server(b"220 mail", b"250-mail\r\n250 STARTTLS", starttls) as (port, read):
        answer = client_of(port).send(MAIL)
    assert answer.outcome is Outcome.NOT_SENT
    assert [line.split()[0].upper() for line in read] == [b"EHLO", b"STARTTLS"]


def test_a_handshake_that_hangs_ends_in_time(authority: Authority) -> None:
    script = (b"220 mail", b"250-mail\r\n250 STARTTLS", b"220 go on")
    with scripted_server(*script, hang=True) as (port, _):
        assert client_of(port, timeout=0.3).send(MAIL).outcome is Outcome.NOT_SENT


@pytest.mark.parametrize("hang", [False, True], ids=["closes", "hangs"])
@pytest.mark.parametrize(
    "script",
    [
        (),
        (b"220 mail",),
        HELLO,
        (*HELLO, b"250 sender"),
        (*HELLO, b"250 sender", b"250 recipient"),
    ],
    ids=["at once", "greeting", "hello", "sender", "recipient"],
)
def test_whoever_stops_before_the_message_has_not_got_it(
    script: tuple[bytes, ...], hang: bool
) -> None:
    with scripted_server(*script, hang=hang) as (port, _):
        answer = plain_client(port, timeout=0.3 if hang else 5.0).send(MAIL)
    assert answer.outcome is Outcome.NOT_SENT


def test_whoever_closes_within_the_message_has_not_got_it() -> None:
    large = Mail(
        "k", MAIL.recipients, "Big", "text", None, (Attachment("a", "a/b", bytes(20_000_000)),)
    )
    script = (*HELLO, b"250 sender", b"250 recipient", b"354 go on")
    with scripted_server(*script) as (port, read):
        answer = plain_client(port).send(large)
    assert answer.outcome is Outcome.NOT_SENT
    assert b"From: Cycle" in read[-1]


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ((b"554 no service",), Outcome.NOT_SENT),
        ((*HELLO, b"550 who are you"), Outcome.SENDER_REFUSED),
        ((*HELLO, b"451 later"), Outcome.TRY_LATER),
        ((*HELLO, b"250 sender", b"550 no such person"), Outcome.REFUSED),
        ((*HELLO, b"250 sender", b"450 mailbox busy"), Outcome.TRY_LATER),
        ((*HELLO, b"250 sender", b"250 recipient", b"554 no"), Outcome.REFUSED),
    ],
)
def test_each_refusal_has_its_outcome(script: tuple[bytes, ...], outcome: Outcome) -> None:
    with scripted_server(*script) as (port, _):
        answer = plain_client(port).send(MAIL)
    assert answer.outcome is outcome
    assert "@" not in answer.reason
