"""Delivery reports and opt-outs: a one-way state machine whatever the order they come in."""

from itertools import permutations
from typing import Any

import pytest
from flask.testing import FlaskClient

from ledger.core.people import User
from tests.messages.conftest import SYSTEM, Texting
from tests.msisdns import new_msisdn


def report(
    web: FlaskClient, path: str, message: dict[str, Any], status: str, reason: str = ""
) -> int:
    form = {
        "id": message["provider_id"],
        "status": status,
        "phoneNumber": message["recipient"],
        "networkCode": "63902",
    }
    if reason:
        form["failureReason"] = reason
    return web.post(f"{path}/sms-reports", data=form).status_code


@pytest.fixture
def sent(texting: Texting) -> dict[str, Any]:
    """A message that the provider has accepted."""
    message = texting.queue(new_msisdn())
    texting.send()
    return texting.row(message)


@pytest.mark.parametrize("order", list(permutations(["Sent", "Buffered", "Success"])))
def test_reports_in_any_order_end_in_delivered(
    texting: Texting, web: FlaskClient, at_path: str, sent: dict[str, Any], order: tuple[str, ...]
) -> None:
    for status in order:
        assert report(web, at_path, sent, status) == 200
        texting.apply_reports()
    row = texting.row(sent["id"])
    assert (row["state"], row["provider_status"]) == ("delivered", "Success")
    assert row["settled_at"] is not None


def test_the_first_final_report_stands(
    texting: Texting, web: FlaskClient, at_path: str, sent: dict[str, Any]
) -> None:
    for status in ("Success", "Failed", "Sent"):
        report(web, at_path, sent, status)
    texting.apply_reports()
    report(web, at_path, sent, "Rejected")
    texting.apply_reports()
    assert texting.row(sent["id"])["state"] == "delivered"


@pytest.mark.parametrize("status", ["Failed", "Rejected", "AbsentSubscriber", "Expired"])
def test_a_failure_is_kept_with_its_reason(
    texting: Texting, web: FlaskClient, at_path: str, sent: dict[str, Any], status: str
) -> None:
    report(web, at_path, sent, status, "DeliveryFailure")
    texting.apply_reports()
    row = texting.row(sent["id"])
    assert (row["state"], row["failure_reason"]) == ("failed", f"{status} DeliveryFailure")


def test_an_unknown_status_is_kept_and_changes_no_state(
    texting: Texting, web: FlaskClient, at_path: str, sent: dict[str, Any]
) -> None:
    assert report(web, at_path, sent, "Teleported") == 200
    texting.apply_reports()
    row = texting.row(sent["id"])
    assert (row["state"], row["provider_status"]) == ("sent", "Teleported")


def test_a_report_that_comes_before_our_own_record_waits_for_it(
    texting: Texting, web: FlaskClient, at_path: str
) -> None:
    message = texting.queue(new_msisdn())
    early = {"provider_id": "ATXid_early", "recipient": new_msisdn()}
    report(web, at_path, early, "Success")
    texting.apply_reports()
    with texting.database.transaction(SYSTEM) as connection:
        connection.execute(
            "UPDATE outbox SET state = 'sent', provider_id = 'ATXid_early' WHERE id = %s",
            (message,),
        )
    texting.apply_reports()
    assert texting.row(message)["state"] == "delivered"


def test_a_failed_receipt_is_sent_once_more_and_only_once(
    texting: Texting, web: FlaskClient, at_path: str
) -> None:
    phone = new_msisdn()
    first = texting.queue(phone)
    with texting.database.transaction(SYSTEM) as connection:
        connection.execute("UPDATE outbox SET payment_id = 1 WHERE id = %s", (first,))
    texting.send()
    for _ in range(3):
        for row in texting.rows("state = 'sent'"):
            report(web, at_path, row, "Failed", "DeliveryFailure")
            report(web, at_path, row, "Rejected")
        texting.apply_reports()
        texting.let_time_pass()
        texting.send()
    rows = texting.rows()
    assert [row["state"] for row in rows] == ["failed", "failed"]
    assert rows[1]["retry_of"] == first
    assert len(texting.inbox(phone)) == 2


def test_a_retry_waits(texting: Texting, web: FlaskClient, at_path: str) -> None:
    message = texting.queue(new_msisdn())
    with texting.database.transaction(SYSTEM) as connection:
        connection.execute("UPDATE outbox SET payment_id = 1 WHERE id = %s", (message,))
    texting.send()
    report(web, at_path, texting.row(message), "Failed")
    texting.apply_reports()
    texting.send()
    (retry,) = texting.rows("retry_of IS NOT NULL")
    assert retry["state"] == "queued"
    assert 29 * 60 < (retry["due_at"] - retry["created_at"]).total_seconds() < 31 * 60


def test_a_bad_form_is_refused(web: FlaskClient, at_path: str) -> None:
    path = f"{at_path}/sms-reports"
    assert web.post(path, data={"status": "Sent"}).status_code == 400
    assert web.post(path, data={"id": "", "status": "Sent"}).status_code == 400
    assert web.post(path, data={"id": ["a", "b"], "status": "Sent"}).status_code == 400


def test_a_wrong_key_is_not_found(web: FlaskClient) -> None:
    for kind in ("sms-reports", "opt-outs"):
        answer = web.post(f"/at/{'x' * 32}/{kind}", data={"id": "a", "status": "Sent"})
        assert answer.status_code == 404


def opted_out(texting: Texting, user: User) -> bool:
    with texting.database.transaction(SYSTEM) as connection:
        row = connection.execute(
            "SELECT sms_opted_out_at IS NOT NULL AS out FROM users WHERE id = %s", (user.id,)
        ).fetchone()
    assert row is not None
    return bool(row["out"])


def test_an_opt_out_stops_messages_but_not_answers(
    texting: Texting, web: FlaskClient, at_path: str
) -> None:
    user = texting.join()
    texting.send()
    form = {"senderId": "CYCLE", "phoneNumber": user.msisdn}
    assert web.post(f"{at_path}/opt-outs", data=form).status_code == 200
    assert opted_out(texting, user)
    receipt = texting.queue(user.msisdn, user_id=user.id)
    answer = texting.queue(user.msisdn, "reply", user.id, text="Text START to get SMS again.")
    texting.send()
    assert texting.row(receipt)["state"] == "opted_out"
    assert texting.row(answer)["state"] == "sent"
    assert texting.inbox(user.msisdn)[-1] == "Text START to get SMS again."


def test_a_report_of_the_blacklist_is_an_opt_out(
    texting: Texting, web: FlaskClient, at_path: str
) -> None:
    user = texting.join()
    texting.send()
    (welcome,) = texting.rows()
    report(web, at_path, welcome, "Failed", "UserInBlackList")
    texting.apply_reports()
    assert texting.row(welcome["id"])["state"] == "opted_out"
    assert opted_out(texting, user)
    assert len(texting.rows()) == 1
