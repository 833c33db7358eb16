"""The console's doors: signing in, sessions, forms, roles."""

import re
import time

import pyotp
import pytest
from flask import Flask

from ledger.commands import staff
from ledger.core.access import Role
from ledger.db import staff as rows
from ledger.db.engine import Database
from ledger.totp import TotpSealer
from tests.e2e.stack import wait_until
from tests.quick_hashing import PASSWORD
from tests.web.api_people import SYSTEM, ApiCustomer
from tests.web.console_visitor import Visitor
from ussd_app.settings import Settings


def test_the_first_sign_in_enrols_a_second_factor(
    app: Flask, database: Database, settings: Settings
) -> None:
    visitor = Visitor(app, database, settings, enrol=False)
    email = f"new{time.monotonic_ns()}@cycle.example"
    admin_id = staff.create(database, email, PASSWORD, [Role.SUPPORT])
    with database.transaction(SYSTEM) as connection:
        row = rows.take(connection, admin_id)
    assert row is not None
    assert row.password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$"), "slow to guess"
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

    def enrolled() -> bool:
        form["code"] = generator.at(time.time() - 30)
        return visitor.client.post("/admin/enrol", data=form).status_code == 303

    wait_until(enrolled)
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
        "/complaints",
        "/complaints?state=closed",
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


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.SUPPORT, {"/", "/customers", "/complaints", "/payments", "/rules", "/statements"}),
        (
            Role.FINANCE,
            {
                "/",
                "/customers",
                "/complaints",
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
                "/complaints",
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
    pages = {"/", "/customers", "/complaints", "/payments", "/rules", "/statements"}
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
