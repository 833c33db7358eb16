"""Reconciliation over the API: who may, what is found, how items are closed."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from ledger.commands import reconcile
from ledger.core.access import Role
from ledger.db.engine import Database
from ledger.db.mpesa_records import MpesaRecord
from tests.web.api_people import ApiCustomer, join
from tests.web.api_staff import ApiStaff
from tests.web_process import web_process
from ussd_app.services import Services
from ussd_app.settings import Settings


@pytest.fixture
def database(fresh_database: Database) -> Database:
    """Books of this test alone: a run reads everybody's, and what others left is no reading."""
    return fresh_database


@pytest.fixture
def app(settings: Settings, database: Database, redis_client: Redis) -> Iterator[Flask]:
    """The web app on these books."""
    with web_process(Services(settings, database, redis_client)) as built:
        yield built


@pytest.fixture
def finance(client: FlaskClient, database: Database, settings: Settings) -> ApiStaff:
    return ApiStaff(client, database, settings, Role.FINANCE).signed_in()


@pytest.fixture
def second(client: FlaskClient, database: Database, settings: Settings) -> ApiStaff:
    return ApiStaff(client, database, settings, Role.FINANCE).signed_in()


def _lost_payment(database: Database, cents: int) -> str:
    """Let M-Pesa know of a payment that we never heard of."""
    receipt = f"TL{random.randrange(10**8):08d}"
    record = MpesaRecord(receipt, cents, datetime.now(UTC) - timedelta(minutes=30))
    assert reconcile.add_records(database, "statement", [record]) == 1
    return receipt


def _item(finance: ApiStaff, receipt: str) -> dict[str, str]:
    run = finance.post("/api/reconciliation/mpesa")
    assert run.status_code == 201, run.text
    assert run.json["status"] == "warning"
    (found,) = [row for row in run.json["mismatches"] if row["subject"] == receipt]
    assert found["category"] == "missing_ledger"
    again = finance.get(f"/api/reconciliation/{run.json['runId']}")
    assert found in again.json["mismatches"]
    item: dict[str, str] = found
    return item


def test_a_lost_payment_is_found_and_credited_into_suspense(
    database: Database, finance: ApiStaff
) -> None:
    item = _item(finance, _lost_payment(database, 50_000))
    path = f"/api/reconciliation/items/{item['id']}/resolve"
    assert finance.post(path, {}).status_code == 400, "notes are required"
    answer = finance.post(path, {"notes": "portal shows it", "action": "credit"})
    assert answer.status_code == 200, answer.text
    assert answer.json["status"] == "resolved"
    assert answer.json["resolver"] == f"admin:{finance.admin_id}"
    again = finance.post(path, {"notes": "portal shows it", "action": "credit"})
    assert (again.status_code, again.json["code"]) == (409, "state_conflict")
    run = finance.post("/api/reconciliation/mpesa").json
    assert item["subject"] not in [
        row["subject"] for row in run["mismatches"] if row["status"] == "pending"
    ]


def test_a_large_correction_needs_a_second_person(
    database: Database, finance: ApiStaff, second: ApiStaff
) -> None:
    item = _item(finance, _lost_payment(database, 1_000_100))
    path = f"/api/reconciliation/items/{item['id']}/resolve"
    body = {"notes": "portal shows it", "action": "credit"}
    for _ in range(2):
        proposed = finance.post(path, body).json
        assert (proposed["status"], proposed["proposedBy"]) == (
            "pending",
            f"admin:{finance.admin_id}",
        )
    done = second.post(path, body).json
    assert (done["status"], done["resolver"]) == ("resolved", f"admin:{second.admin_id}")


def test_an_item_may_be_ignored_with_notes(database: Database, finance: ApiStaff) -> None:
    item = _item(finance, _lost_payment(database, 10_000))
    answer = finance.post(
        f"/api/reconciliation/items/{item['id']}/ignore", {"notes": "a test payment"}
    )
    assert (answer.json["status"], answer.json["notes"]) == ("ignored", "a test payment")


def test_an_auditor_reads_and_closes_nothing(
    client: FlaskClient, database: Database, settings: Settings, finance: ApiStaff
) -> None:
    auditor = ApiStaff(client, database, settings, Role.AUDITOR).signed_in()
    item = _item(finance, _lost_payment(database, 10_000))
    assert auditor.get("/api/reconciliation/history?limit=5").status_code == 200
    path = f"/api/reconciliation/items/{item['id']}/ignore"
    assert auditor.post(path, {"notes": "let me"}).status_code == 403


def test_customers_and_support_have_no_reconciliation(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    customer: ApiCustomer = join(client, database, settings)
    assert customer.get("/api/reconciliation/history").status_code == 403
    support = ApiStaff(client, database, settings, Role.SUPPORT).signed_in()
    assert support.get("/api/reconciliation/history").status_code == 403
    assert support.get("/api/wallet/balance").status_code == 403


def test_a_second_factor_works_once_and_five_tries_lock(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    member = ApiStaff(client, database, settings, Role.AUDITOR)
    assert member.login().status_code == 200
    assert member.login().json["code"] == "totp_wrong", "the same code again"
    for _ in range(4):
        assert member.login(password="wrong password!").json["code"] == "credentials_wrong"
    answer = member.login()
    assert (answer.status_code, answer.json["code"]) == (429, "staff_locked")


def test_the_proof_of_the_ledger_is_left_to_a_worker(finance: ApiStaff) -> None:
    answer = finance.post("/api/reconciliation/run")
    assert (answer.status_code, answer.json["status"]) == (202, "requested")
    path = f"/api/reconciliation/{answer.json['runId']}"
    assert finance.get(path).json["type"] == "ledger"
