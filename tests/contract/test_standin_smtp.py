"""The stand-in's mail server keeps what it gets, and misbehaves when told to."""

import smtplib
import time
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
import requests

from standin.server import Server


def mail(subject: str = "Taarifa yako") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "cycle@example.org", "j@x.co.ke", subject
    message.set_content("Tazama kiambatisho.")
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="t.pdf")
    return message


def send(standin: Server) -> None:
    with smtplib.SMTP("127.0.0.1", standin.smtp_port, timeout=5) as client:
        client.send_message(mail())


def listed(standin: Server) -> list[dict[str, object]]:
    return list(requests.get(f"{standin.url}/mail", timeout=5).json())


def fault(standin: Server, **rule: object) -> None:
    standin.world.faults.load({"rules": [{"at": "smtp", "times": 1, **rule}]})


def test_mail_is_listed_and_kept_as_it_came(standin: Server) -> None:
    send(standin)
    (entry,) = listed(standin)
    assert (entry["from"], entry["to"]) == ("cycle@example.org", ["j@x.co.ke"])
    assert entry["subject"] == "Taarifa yako"
    response = requests.get(f"{standin.url}/mail/{entry['id']}", timeout=5)
    assert response.headers["Content-Type"] == "message/rfc822"
    kept = message_from_bytes(response.content, policy=policy.default)
    assert [part.get_content_type() for part in kept.walk()] == [
        "multipart/mixed",
        "text/plain",
        "application/pdf",
    ]
    assert requests.get(f"{standin.url}/mail/999", timeout=5).status_code == 404


@pytest.mark.parametrize(("kind", "code"), [("refuse", 554), ("error500", 451)])
def test_mail_can_be_refused(standin: Server, kind: str, code: int) -> None:
    fault(standin, do=kind)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(standin)
    assert refused.value.smtp_code == code
    assert listed(standin) == []
    send(standin)
    assert len(listed(standin)) == 1


@pytest.mark.parametrize(("kind", "kept"), [("drop", 0), ("lose_reply", 1)])
def test_a_cut_connection_leaves_the_sender_in_doubt(standin: Server, kind: str, kept: int) -> None:
    fault(standin, do=kind)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(standin)
    assert len(listed(standin)) == kept


def test_mail_can_be_slow(standin: Server) -> None:
    fault(standin, do="slow", seconds=0.3)
    started = time.monotonic()
    send(standin)
    assert time.monotonic() - started >= 0.3
    assert len(listed(standin)) == 1
