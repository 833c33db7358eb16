"""Receipts by e-mail beside the SMS, and what e-mail never does."""

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage

import pytest
import requests

from jobs.tasks import send_email
from ledger.commands.transfers import transfer
from ledger.core.context import Context
from ledger.core.people import User
from ledger.core.plans import Posted
from tests.messages.conftest import SYSTEM, Texting


@pytest.fixture
def mailing(texting: Texting) -> Texting:
    """The same, with the stand-in's mail server."""
    port = texting.standin.smtp_port
    settings = texting.services.settings.model_copy(update={"smtp_port": port})
    texting.services = replace(texting.services, settings=settings)
    return texting


def mails(texting: Texting) -> list[EmailMessage]:
    listed = requests.get(f"{texting.standin.url}/mail", timeout=5).json()
    return [
        email.message_from_bytes(
            requests.get(f"{texting.standin.url}/mail/{mail['id']}", timeout=5).content,
            policy=email.policy.default,
        )
        for mail in listed
    ]


def with_address(texting: Texting, user: User, address: str) -> None:
    with texting.database.transaction(SYSTEM) as connection:
        connection.execute(
            "UPDATE users SET email = %s, email_confirmed_at = now() WHERE id = %s",
            (address, user.id),
        )


def send_money(texting: Texting, sender: User, recipient: User, reference: str) -> Posted:
    texting.give(sender, 50000)
    posted = transfer(
        texting.database,
        Context.of_user(sender.id, "ussd"),
        sender.id,
        recipient.msisdn,
        20000,
        source="mail-test",
        reference=f"{reference}:{sender.id}",
    )
    assert isinstance(posted, Posted)
    return posted


def test_a_confirmed_address_gets_the_receipt_in_text_and_html(mailing: Texting) -> None:
    sender, recipient = mailing.join(), mailing.join("Otieno", language="sw")
    with_address(mailing, sender, "wanjiku@mfano.co.ke")
    posted = send_money(mailing, sender, recipient, "1")
    send_email.run(mailing.services)
    send_email.run(mailing.services)
    (mail,) = mails(mailing)
    assert mail["To"] == "wanjiku@mfano.co.ke"
    assert mail["Subject"] == f"Cycle receipt {posted.receipt}"
    text = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    assert text is not None
    assert html is not None
    for part in (text.get_content(), html.get_content()):
        assert posted.receipt in part
        assert "Ksh200.00" in part
        assert "Otieno Kamau" in part
        assert "Ksh300.00" in part
    for word in ("http", "<img", "<script", "url("):
        assert word not in html.get_content()
    (row,) = mailing.rows("channel = 'email'")
    assert row["state"] == "sent"


def test_an_address_that_is_not_confirmed_gets_nothing(mailing: Texting) -> None:
    sender, recipient = mailing.join(), mailing.join("Otieno")
    with mailing.database.transaction(SYSTEM) as connection:
        connection.execute(
            "UPDATE users SET email_pending = 'other@mfano.co.ke' WHERE id = %s", (sender.id,)
        )
    send_money(mailing, sender, recipient, "2")
    assert mailing.rows("channel = 'email'") == []


def test_names_are_escaped(mailing: Texting) -> None:
    sender, recipient = mailing.join(), mailing.join('<b onclick="x">&')
    with_address(mailing, sender, "a@mfano.co.ke")
    send_money(mailing, sender, recipient, "3")
    send_email.run(mailing.services)
    (mail,) = mails(mailing)
    html = mail.get_body(("html",))
    assert html is not None
    assert "<b onclick" not in html.get_content()
    assert "&lt;b" in html.get_content()


def test_a_mail_server_that_is_down_delays_and_doubles_nothing(mailing: Texting) -> None:
    sender, recipient = mailing.join(), mailing.join("Otieno")
    with_address(mailing, sender, "a@mfano.co.ke")
    for number in range(3):
        send_money(mailing, sender, recipient, f"down{number}")
    right = mailing.services
    deaf = right.settings.model_copy(update={"smtp_port": 9})
    send_email.run(replace(right, settings=deaf))
    assert mailing.channel("email")["reason"] == "unreachable"
    assert {row["attempts"] for row in mailing.rows("channel = 'email'")} == {0}
    mailing.let_time_pass()
    send_email.run(right)
    assert len(mails(mailing)) == 3
    send_email.run(right)
    assert len(mails(mailing)) == 3


def test_spent_credit_is_told_to_the_organisation_once(mailing: Texting) -> None:
    for number in range(3):
        mailing.queue(f"+25471100000{number}", amount=100 + number)
    mailing.fault(at="at.send", do="refuse", code=405)
    for _ in range(3):
        mailing.send()
        mailing.let_time_pass()
    send_email.run(mailing.services)
    (mail,) = mails(mailing)
    assert mail["To"] == mailing.services.settings.admin_emails[0]
    assert mail["Subject"] == "Cycle: SMS are paused"
    body = mail.get_body(("plain",))
    assert body is not None
    assert "no credit" in body.get_content()
