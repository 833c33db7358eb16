"""The console: signing in, roles, forms, and what each page does."""

import io
import random
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ledger.commands import reconcile, staff
from ledger.core.access import Role
from ledger.db.engine import Database
from ledger.db.mpesa_records import MpesaRecord
from ledger.totp import TotpSealer
from tests.web.api_people import SYSTEM, ApiCustomer, join
from tests.web.api_staff import PASSWORD, ApiStaff
from ussd_app.settings import Settings


class Visitor:
    """Somebody with a browser."""

    def __init__(
        self, app: Flask, database: Database, settings: Settings, *roles: Role, enrol: bool = True
    ) -> None:
        self.client: FlaskClient = app.test_client()
        if enrol:
            self.member = ApiStaff(self.client, database, settings, *roles)
            code = pyotp.TOTP(self.member.secret).now()
            answer = self.sign_in(self.member.email, code=code)
            assert answer.status_code == 303, answer.text

    def sign_in(self, email: str, password: str = PASSWORD, code: str = "") -> TestResponse:
        form = {"email": email, "password": password, "code": code}
        return self.client.post("/admin/sign-in", data=form)

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"/admin{path}")

    def post(self, path: str, *, follow: bool = True, **form: Any) -> TestResponse:
        page = self.get("/customers").text
        found = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
        assert found is not None
        return self.client.post(
            f"/admin{path}",
            data={"form_token": found[1], **form},
            follow_redirects=follow,
            content_type="multipart/form-data",
        )


@pytest.fixture
def admin(app: Flask, database: Database, settings: Settings) -> Visitor:
    return Visitor(app, database, settings, *Role)


@pytest.fixture
def customer(client: FlaskClient, database: Database, settings: Settings) -> ApiCustomer:
    return join(client, database, settings, balance=100_000)


def test_the_first_sign_in_enrols_a_second_factor(
    app: Flask, database: Database, settings: Settings
) -> None:
    visitor = Visitor(app, database, settings, enrol=False)
    email = f"new{time.monotonic_ns()}@cycle.example"
    staff.create(database, email, PASSWORD, [Role.SUPPORT])
    page = visitor.sign_in(email)
    assert page.status_code == 200
    secret = re.search(r'class="secret"><code>([A-Z2-7 ]+)</code>', page.text)
    enrolment = re.search(r'name="enrolment" value="([^"]+)"', page.text)
    assert secret is not None
    assert enrolment is not None
    assert secret[1].replace(" ", "") not in enrolment[1]
    generator = pyotp.TOTP(secret[1].replace(" ", ""))
    form = {"enrolment": enrolment[1], "code": "000000"}
    assert visitor.client.post("/admin/enrol", data=form).status_code == 401
    form["code"] = generator.at(time.time() - 30)
    assert visitor.client.post("/admin/enrol", data=form).status_code == 303
    assert visitor.get("/").status_code == 200
    again = Visitor(app, database, settings, enrol=False)
    assert again.client.post("/admin/enrol", data=form).status_code == 302, "only once"
    assert again.sign_in(email).status_code == 401, "from now on the code is needed"
    assert again.sign_in(email, code=generator.now()).status_code == 303


def test_wrong_credentials_all_look_the_same(
    app: Flask, database: Database, settings: Settings, admin: Visitor
) -> None:
    stranger = Visitor(app, database, settings, enrol=False)
    answers = [
        stranger.sign_in("nobody@cycle.example"),
        stranger.sign_in(admin.member.email, "wrong password"),
        stranger.sign_in(admin.member.email, code="000000"),
    ]
    assert [answer.status_code for answer in answers] == [401] * 3
    assert len({re.sub(r'value="[^"]*"', "", answer.text) for answer in answers}) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/customers",
        "/payments",
        "/payments?state=pending",
        "/reconciliation",
        "/suspense",
        "/rules",
        "/statements",
        "/audit",
        "/audit?action=staff.",
    ],
)
def test_every_page_opens_and_trusts_nothing_foreign(admin: Visitor, path: str) -> None:
    page = admin.get(path)
    assert page.status_code == 200, page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert "<script" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text


def test_the_cookie_is_for_the_console_only(admin: Visitor) -> None:
    answer = admin.sign_in("nobody@cycle.example")
    assert "Set-Cookie" not in answer.headers
    code = pyotp.TOTP(admin.member.secret).at(time.time() + 30)
    cookie = admin.sign_in(admin.member.email, code=code).headers["Set-Cookie"]
    for mark in ("HttpOnly", "SameSite=Strict", "Path=/admin"):
        assert mark in cookie


def test_signing_out_and_idling_end_a_session(admin: Visitor, database: Database) -> None:
    with database.transaction(SYSTEM) as connection:
        connection.execute(
            "UPDATE console_sessions SET seen_at = now() - interval '21 minutes'"
            " WHERE admin_id = %s",
            (admin.member.admin_id,),
        )
    assert admin.get("/").status_code == 302


def test_disabling_ends_the_session_at_once(admin: Visitor, database: Database) -> None:
    assert admin.get("/").status_code == 200
    staff.set_status(database, admin.member.email, "disabled")
    assert admin.get("/").status_code == 302


def test_a_form_from_elsewhere_is_refused(admin: Visitor, customer: ApiCustomer) -> None:
    path = f"/admin/customers/{customer.user_id}/freeze"
    assert admin.client.post(path, data={"why": "because"}).status_code == 403
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert admin.client.post("/admin/sign-in", data={}, headers=foreign).status_code == 403
    elsewhere = {"Origin": "https://elsewhere.example"}
    assert admin.client.post("/admin/sign-in", data={}, headers=elsewhere).status_code == 403


def test_support_finds_freezes_and_unfreezes_a_customer(
    app: Flask, database: Database, settings: Settings, customer: ApiCustomer
) -> None:
    support = Visitor(app, database, settings, Role.SUPPORT)
    local = "0" + customer.msisdn.removeprefix("+254")
    found = support.client.get(f"/admin/customers?q={local}", follow_redirects=True)
    assert "Wanjiku Kamau" in found.text
    assert "1,000.00" in found.text
    act = f"/customers/{customer.user_id}"
    assert support.post(f"{act}/freeze", why="").status_code == 400
    assert "Done." in support.post(f"{act}/freeze", why="stolen phone").text
    refused = customer.send("0712345678", "10")
    assert refused.status_code == 422
    page = support.get(act).text
    assert "wallet.frozen" in page
    assert "stolen phone" in page
    assert "Done." in support.post(f"{act}/unfreeze", why="phone is back").text


def test_a_customer_is_found_by_receipt_and_a_receipt_goes_out_again(
    admin: Visitor,
    client: FlaskClient,
    database: Database,
    settings: Settings,
    customer: ApiCustomer,
) -> None:
    other = join(client, database, settings, first="Otieno")
    reference = customer.send(other.msisdn, "20").json["reference"]
    found = admin.get(f"/customers?q={reference.lower()}").text
    assert "Wanjiku Kamau" in found
    assert "Otieno Kamau" in found
    page = admin.get(f"/customers/{customer.user_id}").text
    message = re.search(r'name="message" value="(\d+)"', page)
    assert message is not None
    act = f"/customers/{customer.user_id}/resend"
    assert "Done." in admin.post(act, why="lost it", message=message[1]).text
    with database.transaction(SYSTEM) as connection:
        rows = connection.execute(
            "SELECT id FROM outbox WHERE user_id = %s AND template = 'transfer_sent'",
            (customer.user_id,),
        ).fetchall()
    assert len(rows) == 2


def test_support_unlocks_a_pin(admin: Visitor, client: FlaskClient, customer: ApiCustomer) -> None:
    for _ in range(3):
        customer.send("0712345678", "10", pin="9999")
    assert customer.send("0712345678", "10").json["code"] == "pin_locked"
    act = f"/customers/{customer.user_id}/unlock-pin"
    assert "Done." in admin.post(act, why="identified by call").text
    assert customer.send("0712345678", "10").json["code"] == "recipient_unknown"


def test_finance_finds_and_credits_a_mismatch_then_allocates_it(
    app: Flask, database: Database, settings: Settings, customer: ApiCustomer
) -> None:
    finance = Visitor(app, database, settings, Role.FINANCE)
    receipt = f"TM{random.randrange(10**8):08d}"
    moment = datetime.now(UTC) - timedelta(minutes=30)
    reconcile.add_records(database, "statement", [MpesaRecord(receipt, 70_000, moment)])
    started = finance.post("/reconciliation/start", kind="mpesa")
    assert "A worker is at it" in started.text
    for run_id in reconcile.waiting(database):
        reconcile.perform(database, run_id)
    page = finance.get("/reconciliation").text
    assert receipt in page
    row = page[page.index(receipt) :]
    credit = re.search(r'action="/admin(/reconciliation/items/\d+/credit)"', row)
    assert credit is not None
    assert "Closed." in finance.post(credit[1], why="portal shows it").text
    suspense = finance.get("/suspense").text
    target = re.search(r'action="/admin(/suspense/\d+)"', suspense[suspense.index(receipt) :])
    assert target is not None
    told = finance.post(target[1], why="payer called", phone=customer.msisdn)
    assert "Allocated." in told.text
    assert customer.balance == "1700.00"


def test_a_portal_statement_is_loaded_once(admin: Visitor) -> None:
    receipt = f"TN{random.randrange(10**8):08d}"
    day = datetime.now(UTC) - timedelta(hours=2)
    text = (
        "Account Holder:,CYCLE\n\n"
        "Receipt No.,Completion Time,Details,Transaction Status,Paid In,Withdrawn,Balance\n"
        f'{receipt},{day:%d-%m-%Y %H:%M:%S},Pay Bill,Completed,"1,250.00",,"5,000.00"\n'
    )

    def load() -> str:
        file = (io.BytesIO(text.encode()), "portal.csv")
        return admin.post("/reconciliation/upload", statement=file).text

    assert "1 rows, 1 of them new." in load()
    assert "1 rows, 0 of them new." in load()
    wrong = (io.BytesIO(b"a,b\n1,2\n"), "wrong.csv")
    assert "Not loaded" in admin.post("/reconciliation/upload", statement=wrong).text


def test_a_limit_is_set_for_the_future_and_audited(admin: Visitor) -> None:
    form = {
        "kind": "withdrawal",
        "minimum": "20",
        "maximum": "100,000",
        "daily": "200000",
        "valid_from": "2099-01-01T06:00",
        "why": "new tariff book",
    }
    assert "Set." in admin.post("/rules/limit", **form).text
    assert "01 Jan 2099 06:00:00" in admin.get("/rules").text
    assert "new tariff book" in admin.get("/audit?action=limit.").text
    assert (
        admin.post("/rules/limit", **{**form, "valid_from": "2020-01-01T06:00"}).status_code == 400
    )
    assert admin.post("/rules/limit", **{**form, "daily": "1"}).status_code == 400


def test_three_noughts_close_withdrawals_to_others_and_nothing_else(admin: Visitor) -> None:
    noughts = {"minimum": "0", "maximum": "0", "daily": "0", "why": "closed again"}
    noughts["valid_from"] = "2099-03-01T00:00"
    assert "Set." in admin.post("/rules/limit", kind="withdrawal_other", **noughts).text
    assert admin.post("/rules/limit", kind="withdrawal", **noughts).status_code == 400


def test_a_tariff_is_set_in_bands(admin: Visitor) -> None:
    form = {"kind": "transfer", "bands": "100 0\n1000 5\n50000 9.50", "why": "new tariff book"}
    form["valid_from"] = "2099-02-01T00:00"
    assert "Set." in admin.post("/rules/tariff", **form).text
    assert "9.50" in admin.get("/rules").text
    form["bands"] = "1000 5\n100 2"
    assert admin.post("/rules/tariff", **form).status_code == 400


def test_a_statement_is_handed_out(admin: Visitor, customer: ApiCustomer) -> None:
    today = datetime.now(UTC).date().isoformat()
    form = {"phone": customer.msisdn, "first": today, "last": today, "why": "asked by phone"}
    file = admin.post("/statements", format="pdf", **form)
    assert file.data.startswith(b"%PDF")
    assert "attachment" in file.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.SUPPORT, {"/", "/customers", "/payments", "/rules", "/statements"}),
        (
            Role.FINANCE,
            {
                "/",
                "/customers",
                "/payments",
                "/rules",
                "/statements",
                "/reconciliation",
                "/suspense",
            },
        ),
        (
            Role.AUDITOR,
            {
                "/",
                "/customers",
                "/payments",
                "/rules",
                "/statements",
                "/reconciliation",
                "/suspense",
                "/audit",
            },
        ),
    ],
)
def test_each_role_sees_its_pages(
    app: Flask, database: Database, settings: Settings, role: Role, allowed: set[str]
) -> None:
    visitor = Visitor(app, database, settings, role)
    pages = {"/", "/customers", "/payments", "/rules", "/statements"}
    pages |= {"/reconciliation", "/suspense", "/audit"}
    assert {page for page in pages if visitor.get(page).status_code == 200} == allowed


def test_an_auditor_changes_nothing(
    app: Flask, database: Database, settings: Settings, customer: ApiCustomer
) -> None:
    auditor = Visitor(app, database, settings, Role.AUDITOR)
    for path in (
        f"/customers/{customer.user_id}/freeze",
        "/rules/limit",
        "/rules/tariff",
        "/reconciliation/upload",
        "/reconciliation/items/1/ignore",
        "/suspense/1",
    ):
        assert auditor.post(path, why="let me").status_code == 403, path


def test_the_secret_of_a_second_factor_rests_sealed(
    admin: Visitor, database: Database, settings: Settings
) -> None:
    with database.transaction(SYSTEM) as connection:
        row = connection.execute(
            "SELECT a::text AS row, totp_sealed FROM admins AS a WHERE id = %s",
            (admin.member.admin_id,),
        ).fetchone()
    assert row is not None
    assert admin.member.secret not in row["row"]
    assert PASSWORD not in row["row"]
    sealer = TotpSealer(settings.secret_key.get_secret_value())
    assert sealer.open(row["totp_sealed"]) == admin.member.secret
