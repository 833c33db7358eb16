"""STOP and START, by text and by the operator's list, of customers and of strangers."""

import pytest
import requests
from flask.testing import FlaskClient

from ledger.commands.register import register
from ledger.core.people import NewUser, User
from tests.messages.conftest import SYSTEM, Ask, Texting
from tests.msisdns import new_msisdn


def test_stop_is_answered_and_start_ends_it(texting: Texting, user: User, ask: Ask) -> None:
    stopped = ask(user.msisdn, "STOP")
    assert stopped is not None
    assert stopped.startswith("You will get no more SMS")
    notice = texting.queue(user.msisdn, user_id=user.id)
    texting.send()
    assert texting.row(notice)["state"] == "opted_out"
    started = ask(user.msisdn, "START")
    assert started is not None
    assert started.startswith("You will get receipts")
    notice = texting.queue(user.msisdn, user_id=user.id)
    texting.send()
    assert texting.row(notice)["state"] == "sent"


@pytest.mark.parametrize("how", ["callback", "send", "report"])
def test_start_ends_an_opt_out_that_africas_talking_told_of(
    texting: Texting, web: FlaskClient, at_path: str, user: User, ask: Ask, how: str
) -> None:
    if how == "callback":
        form = {"senderId": "CYCLE", "phoneNumber": user.msisdn}
        web.post(f"{at_path}/opt-outs", data=form)
    else:
        if how == "send":
            texting.fault(at="at.send", do="refuse", code=406)
        notice = texting.queue(user.msisdn, user_id=user.id)
        texting.send()
        row = texting.row(notice)
        if how == "report":
            report = {"status": "Failed", "failureReason": "UserInBlackList"}
            web.post(f"{at_path}/sms-reports", data={"id": row["provider_id"], **report})
            texting.apply_reports()
        texting.no_faults()
    assert texting.user(user.id).sms_opted_out_at is not None

    started = ask(user.msisdn, "anza")
    notice = texting.queue(user.msisdn, user_id=user.id)
    texting.send()

    assert started is not None
    assert started.startswith("You will get receipts")
    assert texting.row(notice)["state"] == "sent"


def test_where_africas_talking_still_refuses_start_the_number_is_marked_again(
    texting: Texting, user: User, ask: Ask
) -> None:
    """Nothing can take a number off the operator's list but its owner, by *456*9*5#."""
    dial = f"{texting.standin.url}/handset/{user.msisdn.removeprefix('+')}/dial"
    requests.post(dial, json={"input": "*456*9*5#"}, timeout=5)
    assert ask(user.msisdn, "START") is None
    assert texting.user(user.id).sms_opted_out_at is not None
    requests.post(dial, json={"input": "*456*9*5#"}, timeout=5)
    answer = ask(user.msisdn, "START")
    assert answer is not None
    assert answer.startswith("You will get receipts")
    assert texting.user(user.id).sms_opted_out_at is None


@pytest.mark.parametrize(
    ("stop", "start", "stopped", "started"),
    [
        ("STOP", "START", "You will get no more SMS", "You can get SMS from Cycle"),
        ("stop sending me these texts please, I never asked for them", "Start", "You will", "You"),
        ("ACHA", "ANZA", "Hutapata tena SMS", "Unaweza kupata tena SMS"),
    ],
)
def test_a_stranger_who_texts_stop_gets_no_invitation_until_start(
    texting: Texting, ask: Ask, stop: str, start: str, stopped: str, started: str
) -> None:
    phone = new_msisdn()
    first = ask(phone, stop)
    invitation = texting.queue(phone, "invitation", name="Jane")
    texting.send()
    again = ask(phone, start)
    later = texting.queue(phone, "invitation", name="Jane")
    texting.send()

    assert first is not None
    assert first.startswith(stopped)
    assert texting.row(invitation)["state"] == "opted_out"
    assert again is not None
    assert again.startswith(started)
    assert texting.row(later)["state"] == "sent"
    assert len(texting.inbox(phone)) == 3


def test_a_stranger_on_the_operators_list_is_left_alone(
    texting: Texting, web: FlaskClient, at_path: str
) -> None:
    phone = new_msisdn()
    web.post(f"{at_path}/opt-outs", data={"senderId": "CYCLE", "phoneNumber": phone})
    invitation = texting.queue(phone, "invitation", name="Jane")
    texting.send()
    assert texting.row(invitation)["state"] == "opted_out"
    assert texting.calls() == []


def test_who_joins_after_stop_gets_receipts(texting: Texting, ask: Ask) -> None:
    phone = new_msisdn()
    ask(phone, "STOP")
    new = NewUser(phone, "Wanjiku", "Kamau", "en", "1", "ussd")
    joined = register(texting.database, SYSTEM, new, "4826")
    assert isinstance(joined, User)
    texting.send()
    assert "Cycle" in texting.inbox(phone)[-1]
    assert len(texting.inbox(phone)) == 2
