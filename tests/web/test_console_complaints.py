"""Complaints in the console: read, answered, closed."""

import time

import pytest
from flask import Flask

from ledger.commands import tickets
from ledger.core.access import Role
from ledger.core.context import Context
from ledger.db.engine import Database
from ledger.db.tickets import Ticket
from tests.web.api_people import SYSTEM, ApiCustomer
from tests.web.console_visitor import Visitor
from ussd_app.settings import Settings


@pytest.fixture
def complaint(database: Database, customer: ApiCustomer) -> Ticket:
    opened = tickets.open_ticket(
        database,
        Context.of_user(customer.user_id, "ussd"),
        customer.user_id,
        "Money did not arrive",
        receipt=None,
        source="ussd",
        reference=f"test:{time.monotonic_ns()}",
    )
    assert isinstance(opened, Ticket)
    return opened


def test_support_answers_a_complaint_by_sms_and_closes_it(
    app: Flask,
    database: Database,
    settings: Settings,
    customer: ApiCustomer,
    complaint: Ticket,
) -> None:
    support = Visitor(app, database, settings, Role.SUPPORT)
    assert complaint.number in support.get("/complaints").text
    path = f"/complaints/{complaint.number}"
    assert "Money did not arrive" in support.get(path).text
    answer = "It arrived at 10:05, see your receipt."
    assert "Sent." in support.post(f"{path}/answer", why="seen in M-Pesa", answer=answer).text
    with database.transaction(SYSTEM) as connection:
        sent = connection.execute(
            "SELECT recipient, params FROM outbox WHERE template = 'ticket_answered'"
            " AND user_id = %s",
            (customer.user_id,),
        ).fetchall()
    assert sent == [
        {
            "recipient": customer.msisdn,
            "params": {"ticket": complaint.number, "answer": answer},
        }
    ]
    assert support.post(f"{path}/close", why="").status_code == 400
    assert "Closed." in support.post(f"{path}/close", why="customer content").text
    assert "no such open" in support.post(f"{path}/close", why="again").text
    page = support.get(path).text
    assert answer in page
    assert "customer content" in page
    assert complaint.number not in support.get("/complaints").text
    assert complaint.number in support.get("/complaints?state=closed").text
    assert complaint.number in support.get(f"/customers/{customer.user_id}").text


@pytest.mark.parametrize("answer", ["", "x" * 121, "see https://cycle.example", "www.x.example"])
def test_an_answer_to_a_complaint_is_one_sms_without_a_link(
    admin: Visitor, complaint: Ticket, answer: str
) -> None:
    path = f"/complaints/{complaint.number}/answer"
    assert admin.post(path, why="try", answer=answer).status_code == 400


def test_only_support_acts_on_complaints(
    app: Flask, database: Database, settings: Settings, complaint: Ticket
) -> None:
    for role in (Role.FINANCE, Role.AUDITOR):
        visitor = Visitor(app, database, settings, role)
        path = f"/complaints/{complaint.number}"
        assert visitor.get(path).status_code == 200
        for action in ("answer", "close"):
            refused = visitor.post(f"{path}/{action}", why="let me", answer="no")
            assert refused.status_code == 403
