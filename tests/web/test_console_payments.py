"""What finance does about payments over M-Pesa in the console."""

import random
import re

import pytest
from flask import Flask

from ledger.commands import pauses, paybill
from ledger.core.access import Role
from ledger.core.context import Context
from ledger.core.paybill import PaybillPayment
from ledger.core.payments import Payment, PaymentKind, PaymentState
from ledger.db import audit, payments
from ledger.db.engine import Database
from tests.web.api_people import SYSTEM, ApiCustomer
from tests.web.console_visitor import Visitor
from ussd_app.settings import Settings


def paid(database: Database, account_number: str) -> Payment:
    """A payment of 250 that customers made by hand."""
    receipt = f"TQ{random.randrange(10**8):08d}"
    paybill.recover(
        database,
        PaybillPayment(receipt, 250_00, account_number, None, None, "JANE", None, "Pay Bill"),
    )
    with database.transaction(SYSTEM) as connection:
        found = payments.find_by_receipt(connection, receipt)
    assert found is not None
    return found


@pytest.fixture
def finance(app: Flask, database: Database, settings: Settings) -> Visitor:
    return Visitor(app, database, settings, Role.FINANCE)


def reversals_of(database: Database, payment: Payment) -> list[Payment]:
    with database.transaction(SYSTEM) as connection:
        found = payments.open_reversal_of(connection, payment.id)
    return [] if found is None else [found]


def test_a_deposit_is_returned_once_with_a_reason(
    finance: Visitor, database: Database, customer: ApiCustomer
) -> None:
    payment = paid(database, customer.msisdn)
    assert customer.balance == "1250.00"
    page = finance.get("/payments?state=completed").text
    assert f'action="/admin/payments/{payment.id}/return"' in page
    act = f"/payments/{payment.id}/return"
    assert finance.post(act, why="").status_code == 400
    assert "M-Pesa is asked to return it" in finance.post(act, why="sent by mistake").text
    assert customer.balance == "1000.00"
    (made,) = reversals_of(database, payment)
    assert (made.kind, made.state) == (PaymentKind.REVERSAL, PaymentState.CREATED)
    assert "Refused: already reversed." in finance.post(act, why="sent by mistake").text
    assert customer.balance == "1000.00"


def test_row_20_money_of_an_unknown_account_is_returned_from_suspense(
    finance: Visitor, database: Database
) -> None:
    payment = paid(database, "NOBODY")
    act = f"/payments/{payment.id}/return"
    assert f'action="/admin{act}"' in finance.get("/suspense").text
    assert "M-Pesa is asked to return it" in finance.post(act, why="payer asked for it").text
    assert len(reversals_of(database, payment)) == 1


def test_a_stop_of_payouts_is_shown_and_ended_with_a_reason(
    finance: Visitor, database: Database, customer: ApiCustomer
) -> None:
    payment = paid(database, customer.msisdn)
    with database.transaction(SYSTEM) as connection:
        pauses.pause(connection, "initiator_locked", "8006", payment.id)
    page = finance.get("/payments").text
    assert "initiator locked" in page
    resume = re.search(r'action="/admin(/pauses/\d+/resume)"', page)
    assert resume is not None
    assert finance.post(resume[1], why="").status_code == 400
    assert "Resumed." in finance.post(resume[1], why="new password set").text
    assert pauses.open_pauses(database, Context.of_system("test")) == []
    assert "Refused" in finance.post(resume[1], why="new password set").text


def test_a_review_is_closed_with_what_was_found(
    admin: Visitor, database: Database, customer: ApiCustomer
) -> None:
    payment = paid(database, customer.msisdn)
    with database.transaction(SYSTEM) as connection:
        payments.update(connection, payment.id, review_reason="amount_mismatch")
        audit.record(connection, "payment.contradicted", "payment", payment.id)
    act = f"/payments/{payment.id}/reviewed"
    assert f'action="/admin{act}"' in admin.get("/payments").text
    assert "Closed." in admin.post(act, why="portal agrees with us").text
    assert f'action="/admin{act}"' not in admin.get("/payments").text
    assert "portal agrees with us" in admin.get("/audit?action=payment.reviewed").text
    assert "Refused" in admin.post(act, why="once more").text


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
def test_others_see_payments_and_decide_nothing(
    app: Flask, database: Database, settings: Settings, customer: ApiCustomer, role: Role
) -> None:
    payment = paid(database, customer.msisdn)
    visitor = Visitor(app, database, settings, role)
    assert "/return" not in visitor.get("/payments?state=completed").text
    for act in (f"/payments/{payment.id}/return", f"/payments/{payment.id}/reviewed"):
        assert visitor.post(act, why="because I can").status_code == 403
    assert visitor.post("/pauses/1/resume", why="because I can").status_code == 403
    assert customer.balance == "1250.00"
