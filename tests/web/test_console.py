"""The console: what each page does."""

import io
import random
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ledger.commands import reconcile
from ledger.core.access import Role
from ledger.db.engine import Database
from ledger.db.mpesa_records import MpesaRecord
from tests.web.api_people import SYSTEM, ApiCustomer, join
from tests.web.console_visitor import Visitor
from ussd_app.settings import Settings


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


def test_only_an_empty_wallet_is_closed_and_for_good(
    app: Flask,
    client: FlaskClient,
    database: Database,
    settings: Settings,
    customer: ApiCustomer,
) -> None:
    support = Visitor(app, database, settings, Role.SUPPORT)
    empty = join(client, database, settings, first="Otieno")
    act = f"/customers/{empty.user_id}"
    assert f'action="/admin{act}/close"' in support.get(act).text
    assert (
        f"/customers/{customer.user_id}/close"
        not in support.get(f"/customers/{customer.user_id}").text
    )
    assert support.post(f"{act}/close", why="").status_code == 400
    refused = support.post(f"/customers/{customer.user_id}/close", why="asked by phone").text
    assert "Done." not in refused
    assert "1,000.00" in refused
    assert "Done." in support.post(f"{act}/close", why="asked by phone").text
    page = support.get(act).text
    assert "wallet.closed" in page
    assert "asked by phone" in page
    assert "closed for good" in support.post(f"{act}/unfreeze", why="asked again").text
    assert empty.send(customer.msisdn, "10").status_code in (401, 403, 422)


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
        connection.execute("SELECT fill_outbox()")
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


@pytest.mark.parametrize(
    ("kind", "figures", "unused"),
    [
        ("deposit", {"minimum": "10", "maximum": "77,000"}, "daily"),
        ("wallet", {"maximum": "98,700"}, "daily"),
        ("wallet", {"maximum": "97,700"}, "minimum"),
    ],
)
def test_a_figure_that_would_do_nothing_can_not_be_set(
    admin: Visitor, kind: str, figures: dict[str, str], unused: str
) -> None:
    form = {"kind": kind, **figures, "why": "new tariff book"}
    form["valid_from"] = f"2098-01-01T{len(kind):02d}:{len(unused):02d}"
    refused = admin.post("/rules/limit", **form, **{unused: "99000"})
    assert refused.status_code == 400
    assert f"has no {unused} figure" in refused.text
    shown = f"{figures['maximum']}.00"
    assert shown not in admin.get("/rules").text
    assert "Set." in admin.post("/rules/limit", **form).text
    line = next(row for row in admin.get("/rules").text.split("<tr>") if shown in row)
    assert ">–</td>" in line
    assert line.count(shown) == 1, "the day's total is not made up"


def test_a_day_s_total_is_needed_where_it_counts(admin: Visitor) -> None:
    for kind in ("withdrawal", "transfer", "withdrawal_other"):
        form = {"kind": kind, "minimum": "10", "maximum": "100", "why": "new tariff book"}
        assert admin.post("/rules/limit", **form, daily="").status_code == 400


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
