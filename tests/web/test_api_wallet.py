"""Money over the API: transfers, keys, limits (A15, A16)."""

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from ledger.core.rules import NAIROBI
from ledger.db.engine import Database
from tests.limits import payouts_to_others
from tests.web.api_people import PIN, ApiCustomer, join
from ussd_app.services import Services
from ussd_app.settings import Settings
from ussd_app.web import create_app


def test_a_transfer_moves_money_and_names_the_recipient(
    wanjiku: ApiCustomer, otieno: ApiCustomer
) -> None:
    answer = wanjiku.send(otieno.msisdn, "250.50")
    assert answer.status_code == 201, answer.text
    assert answer.json["recipientName"] == "Otieno Kamau"
    assert answer.json["balance"] == wanjiku.balance == "749.50"
    assert otieno.balance == "250.50"


def test_the_same_key_gives_the_same_answer_and_one_posting(
    wanjiku: ApiCustomer, otieno: ApiCustomer
) -> None:
    first = wanjiku.send(otieno.msisdn, "100", key="rent-1")
    second = wanjiku.send(otieno.msisdn, "100", key="rent-1")
    assert (first.status_code, first.json) == (second.status_code, second.json)
    assert otieno.balance == "100.00"


def test_a_key_with_another_body_is_a_conflict(wanjiku: ApiCustomer, otieno: ApiCustomer) -> None:
    wanjiku.send(otieno.msisdn, "100", key="rent-1")
    answer = wanjiku.send(otieno.msisdn, "101", key="rent-1")
    assert (answer.status_code, answer.json["code"]) == (409, "key_reused")
    answer = wanjiku.post("/api/wallet/deposit", {"amount": "100", "pin": PIN}, key="rent-1")
    assert (answer.status_code, answer.json["code"]) == (409, "key_reused")
    assert otieno.balance == "100.00"


def test_a_key_belongs_to_its_user(
    client: FlaskClient, database: Database, settings: Settings, wanjiku: ApiCustomer
) -> None:
    otieno = join(client, database, settings, balance=50_000)
    assert wanjiku.send(otieno.msisdn, "100", key="shared").status_code == 201
    assert otieno.send(wanjiku.msisdn, "30", key="shared").status_code == 201
    assert (wanjiku.balance, otieno.balance) == ("930.00", "570.00")


def test_a_refused_request_stays_refused_under_its_key(
    database: Database, wanjiku: ApiCustomer, otieno: ApiCustomer
) -> None:
    poor = otieno.send(wanjiku.msisdn, "10", key="later")
    assert (poor.status_code, poor.json["code"]) == (422, "insufficient_funds")
    wanjiku.send(otieno.msisdn, "100")
    assert otieno.send(wanjiku.msisdn, "10", key="later").json == poor.json
    assert otieno.send(wanjiku.msisdn, "10", key="now").status_code == 201


def test_twins_of_one_request_post_once(
    app: Flask, wanjiku: ApiCustomer, otieno: ApiCustomer
) -> None:
    def send(_: int) -> Any:
        own = ApiCustomer(app.test_client(), wanjiku.msisdn, wanjiku.user_id, wanjiku.tokens)
        return own.send(otieno.msisdn, "200", key="twins")

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["reference"] for answer in answers}) == 1
    assert otieno.balance == "200.00"


@pytest.mark.parametrize(
    ("amount", "status"),
    [
        ("0", 422),
        ("-5", 400),
        ("0.001", 400),
        ("10.555", 400),
        ("1e3", 400),
        ("NaN", 400),
        ("9999999999", 422),
        (10.5, 400),
        (True, 400),
        (None, 400),
        ("١٠", 400),
        (" 10", 400),
    ],
)
def test_amounts_that_are_none_are_refused(
    wanjiku: ApiCustomer, otieno: ApiCustomer, amount: Any, status: int
) -> None:
    body = {"recipientPhone": otieno.msisdn, "amount": amount, "pin": PIN}
    answer = wanjiku.post("/api/wallet/transfer", body)
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    assert wanjiku.balance == "1000.00"


def test_cents_go_to_wallets_and_not_to_m_pesa(wanjiku: ApiCustomer, otieno: ApiCustomer) -> None:
    assert wanjiku.send(otieno.msisdn, "10.50").status_code == 201
    answer = wanjiku.post("/api/wallet/deposit", {"amount": "10.50", "pin": PIN})
    assert (answer.status_code, answer.json["code"]) == (422, "whole_shillings_only")


def test_money_needs_the_pin_and_never_repeats_it(
    wanjiku: ApiCustomer, otieno: ApiCustomer
) -> None:
    answer = wanjiku.send(otieno.msisdn, "10", pin="4862")
    assert (answer.status_code, answer.json["code"]) == (403, "pin_wrong")
    assert answer.json["triesLeft"] == 2
    malformed = wanjiku.send(otieno.msisdn, "10", pin="48621")
    assert malformed.status_code == 400
    assert "4862" not in answer.text + malformed.text
    assert otieno.balance == "0.00"


def test_money_needs_a_key(wanjiku: ApiCustomer, otieno: ApiCustomer) -> None:
    body = {"recipientPhone": otieno.msisdn, "amount": "10", "pin": PIN}
    answer = wanjiku.client.post("/api/wallet/transfer", json=body, headers=wanjiku.headers)
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_missing")
    answer = wanjiku.send(otieno.msisdn, "10", key="a b")
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_invalid")


def test_a_deposit_is_accepted_and_its_status_is_the_owners_only(
    wanjiku: ApiCustomer, otieno: ApiCustomer
) -> None:
    answer = wanjiku.post("/api/wallet/deposit", {"amount": "100", "pin": PIN})
    assert answer.status_code == 202, answer.text
    assert answer.json["status"] == "pending"
    path = f"/api/wallet/deposit/status/{answer.json['id']}"
    assert wanjiku.get(path).json == answer.json
    assert otieno.get(path).status_code == 404


def test_a_withdrawal_is_held_at_once(wanjiku: ApiCustomer) -> None:
    answer = wanjiku.post("/api/wallet/withdraw", {"amount": "400", "pin": PIN})
    assert answer.status_code == 202, answer.text
    assert answer.json["status"] == "pending"
    assert wanjiku.balance == "600.00"
    (held,) = wanjiku.get("/api/wallet/transactions", type="withdrawal").json["transactions"]
    assert (held["status"], held["reference"]) == ("pending", answer.json["reference"])


def test_a_withdrawal_to_another_number_needs_a_limit_that_allows_it(
    wanjiku: ApiCustomer, database: Database
) -> None:
    body = {"amount": "100", "pin": PIN, "recipientPhone": "0722 000 111"}
    closed = wanjiku.post("/api/wallet/withdraw", body)
    with payouts_to_others(database):
        opened = wanjiku.post("/api/wallet/withdraw", body)
        nobody = wanjiku.post("/api/wallet/withdraw", {**body, "recipientPhone": "+447911123456"})
    assert (closed.status_code, closed.json["code"]) == (422, "withdrawals_own_only")
    assert (opened.status_code, opened.json["status"]) == (202, "pending")
    assert (nobody.status_code, nobody.json["code"]) == (422, "phone_invalid")
    assert wanjiku.balance == "900.00"


def test_a_statement_comes_as_json_or_as_the_file(wanjiku: ApiCustomer) -> None:
    today = datetime.now(NAIROBI).date().isoformat()
    path = "/api/wallet/statement"
    inside = wanjiku.get(path, startDate=today, endDate=today, format="csv").json
    assert inside["format"] == "csv"
    assert b"1000.00" in base64.b64decode(inside["data"])
    file = wanjiku.client.get(
        path,
        query_string={"startDate": today, "endDate": today},
        headers={**wanjiku.headers, "Accept": "application/pdf"},
    )
    assert file.content_type == "application/pdf"
    assert file.data.startswith(b"%PDF")
    reversed_days = wanjiku.get(path, startDate="2026-02-02", endDate="2026-02-01")
    assert (reversed_days.status_code, reversed_days.json["code"]) == (422, "period_invalid")


def test_too_much_money_traffic_of_one_account_is_slowed_whatever_its_address(
    client: FlaskClient, wanjiku: ApiCustomer, otieno: ApiCustomer
) -> None:
    statuses = []
    for number in range(21):
        answer = client.post(
            "/api/wallet/transfer",
            json={},
            headers={**wanjiku.headers, "X-Forwarded-For": f"10.0.0.{number}"},
        )
        statuses.append(answer.status_code)
    assert statuses == [400] * 20 + [429]
    assert answer.json["code"] == "too_many_requests"
    assert int(answer.headers["Retry-After"]) > 0
    assert otieno.send(wanjiku.msisdn, "1").status_code == 422, "others are not slowed"


def test_without_redis_no_money_moves(
    settings: Settings, database: Database, wanjiku: ApiCustomer, otieno: ApiCustomer
) -> None:
    down = Redis.from_url("redis://127.0.0.1:9/0", socket_connect_timeout=0.2)
    blind = create_app(Services(settings, database, down))
    customer = ApiCustomer(blind.test_client(), wanjiku.msisdn, wanjiku.user_id, wanjiku.tokens)
    answer = customer.send(otieno.msisdn, "10")
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    create_app(Services(settings, database, _redis_of(settings)))


def _redis_of(settings: Settings) -> Redis:
    from jobs.clients.redis import connect

    return connect(settings.redis_url.get_secret_value())


def test_problems_are_documents_on_every_wrong_turn(
    client: FlaskClient, wanjiku: ApiCustomer
) -> None:
    answers = [
        client.get("/api/wallet/balance"),
        client.get("/api/nothing"),
        client.delete("/api/wallet/balance", headers=wanjiku.headers),
        client.post("/api/auth/login", data="x", content_type="text/plain"),
        client.post("/api/auth/login", data="{", content_type="application/json"),
    ]
    assert [answer.status_code for answer in answers] == [401, 404, 405, 415, 400]
    for answer in answers:
        assert answer.content_type == "application/problem+json"
        assert answer.json["status"] == answer.status_code
        assert answer.json["code"]
