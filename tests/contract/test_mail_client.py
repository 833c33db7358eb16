"""The mail client against the stand-in's server, well behaved and not."""

import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
import requests

from jobs.clients.africastalking import Outcome
from jobs.clients.mail import Attachment, Mail, MailClient, compose, mask_address
from standin.server import Server

MAIL = Mail(
    key="statement:7KQ2MRX9TB",
    recipients=("jane@example.org",),
    subject="Taarifa yako ya Zoë",
    text="Habari,\n.\n..kwaheri\n",
    html="<p>Habari</p>",
    attachments=(Attachment("taarifa.pdf", "application/pdf", b"%PDF-1.7\r\n.\r\n\x00\xff"),),
)


def client_of(port: int, *, tls_required: bool = False, timeout: float = 5.0) -> MailClient:
    return MailClient(
        "127.0.0.1", port, "cycle@example.org", tls_required=tls_required, timeout_seconds=timeout
    )


def received(standin: Server) -> list[EmailMessage]:
    messages = []
    for entry in requests.get(f"{standin.url}/mail", timeout=5).json():
        kept = requests.get(f"{standin.url}/mail/{entry['id']}", timeout=5).content
        message = message_from_bytes(kept, policy=policy.default)
        assert isinstance(message, EmailMessage)
        messages.append(message)
    return messages


def fault(standin: Server, **rule: object) -> None:
    standin.world.faults.load({"rules": [{"at": "smtp", "times": 1, **rule}]})


def test_mail_arrives_byte_for_byte_with_both_bodies(standin: Server) -> None:
    answer = client_of(standin.smtp_port).send(MAIL)
    assert answer.outcome is Outcome.ACCEPTED
    (message,) = received(standin)
    assert message["Subject"] == MAIL.subject
    assert message["Message-ID"] == answer.message_id
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == MAIL.text.splitlines()
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "taarifa.pdf"
    assert attachment.get_content() == MAIL.attachments[0].content


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("refuse", Outcome.REFUSED),
        ("error500", Outcome.TRY_LATER),
        ("drop", Outcome.UNKNOWN),
        ("lose_reply", Outcome.UNKNOWN),
    ],
)
def test_each_misbehaviour_has_its_outcome(standin: Server, kind: str, outcome: Outcome) -> None:
    fault(standin, do=kind)
    assert client_of(standin.smtp_port).send(MAIL).outcome is outcome
    again = client_of(standin.smtp_port).send(MAIL)
    assert again.outcome is Outcome.ACCEPTED
    ids = {message["Message-ID"] for message in received(standin)}
    assert ids == {again.message_id}


def test_a_server_that_hangs_after_the_message_leaves_it_unknown(standin: Server) -> None:
    fault(standin, do="slow", seconds=2)
    assert client_of(standin.smtp_port, timeout=0.3).send(MAIL).outcome is Outcome.UNKNOWN


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_server_that_never_greets_was_not_sent_to(silent_port: int) -> None:
    assert client_of(silent_port, timeout=0.3).send(MAIL).outcome is Outcome.NOT_SENT


def test_no_server_at_all_was_not_sent_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert client_of(port).send(MAIL).outcome is Outcome.NOT_SENT


def test_production_does_not_send_in_the_clear(standin: Server) -> None:
    answer = client_of(standin.smtp_port, tls_required=True).send(MAIL)
    assert answer.outcome is Outcome.NOT_SENT
    assert received(standin) == []


def test_a_break_in_a_header_is_refused() -> None:
    forged = Mail("k", ("jane@example.org",), "Hi\r\nBcc: all@example.org", "text")
    with pytest.raises(ValueError):
        compose(forged, "cycle@example.org", "<k@example.org>")


def test_address_is_masked_but_for_its_first_letter() -> None:
    assert mask_address("jane.doe@gmail.com") == "j***@gmail.com"
