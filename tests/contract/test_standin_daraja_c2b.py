"""The stand-in's paybill, pull transactions and portal statement, over real HTTP."""

import csv
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.contract.daraja_side import PAYER, SHORTCODE, Callback, Merchant
from tests.contract.fake_product import eventually

VALIDATE, CONFIRM = "/hooks/c2b/key/validate", "/hooks/c2b/key/confirm"


def register(
    merchant: Merchant, version: str = "v2", response_type: str = "Completed"
) -> requests.Response:
    return merchant.post(
        f"/mpesa/c2b/{version}/registerurl",
        {
            "ShortCode": SHORTCODE,
            "ResponseType": response_type,
            "ConfirmationURL": f"{merchant.listener.url}{CONFIRM}",
            "ValidationURL": f"{merchant.listener.url}{VALIDATE}",
        },
    )


def pay(merchant: Merchant, amount: str = "300", account: str = "0712345678") -> Any:
    body = {"amount": amount, "account": account}
    return merchant.control("POST", f"/handset/{PAYER}/paybill", body)


def confirmation(merchant: Merchant, number: int = 1) -> Callback:
    eventually(lambda: len(merchant.listener.at(CONFIRM)) >= number, "confirmation")
    return merchant.listener.at(CONFIRM)[number - 1]


class TestRegister:
    def test_the_answer_is_spelled_as_on_the_wire(self, merchant: Merchant) -> None:
        answer = register(merchant).json()
        assert answer.keys() == {"OriginatorCoversationID", "ResponseCode", "ResponseDescription"}

    def test_once_only_when_told_so(self, merchant: Merchant) -> None:
        merchant.control("PUT", "/behaviour", {"one_time_urls": True})
        assert register(merchant).status_code == 200
        again = register(merchant)
        assert (again.status_code, again.json()["errorCode"]) == (500, "500.003.1001")
        assert again.json()["errorMessage"] == "Urls are already registered"

    def test_response_type_has_exact_case(self, merchant: Merchant) -> None:
        answer = register(merchant, response_type="completed")
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "400.003.02")

    def test_a_foreign_shortcode_is_refused(self, merchant: Merchant) -> None:
        answer = merchant.post("/mpesa/c2b/v2/registerurl", {"ShortCode": "600000"})
        assert "own ShortCode" in answer.json()["errorMessage"]


class TestPaying:
    def test_validation_comes_first_and_confirmation_after_the_money(
        self, merchant: Merchant
    ) -> None:
        register(merchant)
        told = pay(merchant)
        body = confirmation(merchant).json
        (asked,) = merchant.listener.at(VALIDATE)
        assert asked.json["OrgAccountBalance"] == ""
        assert asked.json["TransID"] == body["TransID"] == told["receipt"]
        assert body["TransAmount"] == "300.00"
        assert body["OrgAccountBalance"] == "1000300.00"
        assert body["BillRefNumber"] == "0712345678"
        assert body["MSISDN"] == "2547 ***** 678"
        assert all(isinstance(value, str) for value in body.values())
        assert merchant.control("GET", "/books")["imbalance"] == "0.00"

    @pytest.mark.parametrize(
        ("version", "form", "shown"),
        [
            ("v1", "by_version", hashlib.sha256(PAYER.encode()).hexdigest()),
            ("v2", "by_version", "2547 ***** 678"),
            ("v1", "plain", PAYER),
        ],
    )
    def test_the_payer_is_hashed_masked_or_plain(
        self, merchant: Merchant, version: str, form: str, shown: str
    ) -> None:
        merchant.control("PUT", "/behaviour", {"c2b_msisdn": form})
        register(merchant, version)
        pay(merchant)
        assert confirmation(merchant).json["MSISDN"] == shown

    def test_a_rejection_moves_no_money(self, merchant: Merchant) -> None:
        register(merchant)
        merchant.listener.answer = lambda _: (
            200,
            json.dumps({"ResultCode": "C2B00012", "ResultDesc": "Rejected"}),
        )
        told = pay(merchant, account="nobody")
        assert (told["state"], told["code"], told["receipt"]) == ("failed", "C2B00012", None)
        assert merchant.listener.at(CONFIRM) == []
        assert merchant.control("GET", "/books")["organisation"]["utility"] == "1000000.00"

    @pytest.mark.parametrize(
        ("response_type", "state"), [("Completed", "completed"), ("Cancelled", "failed")]
    )
    def test_without_an_answer_the_response_type_decides(
        self, merchant: Merchant, response_type: str, state: str
    ) -> None:
        register(merchant, response_type=response_type)
        merchant.listener.answer = lambda _: (503, "")
        assert pay(merchant)["state"] == state

    def test_a_third_party_id_comes_back(self, merchant: Merchant) -> None:
        register(merchant)
        merchant.listener.answer = lambda _: (
            200,
            json.dumps({"ResultCode": "0", "ThirdPartyTransID": "T-77"}),
        )
        pay(merchant)
        assert confirmation(merchant).json["ThirdPartyTransID"] == "T-77"

    def test_without_validation_only_the_confirmation_comes(self, merchant: Merchant) -> None:
        merchant.control("PUT", "/behaviour", {"validation": False})
        register(merchant)
        pay(merchant)
        confirmation(merchant)
        assert merchant.listener.at(VALIDATE) == []

    def test_a_payer_without_money_pays_nothing(self, merchant: Merchant) -> None:
        register(merchant)
        merchant.control("PUT", f"/handset/{PAYER}", {"mpesa_balance": "299.99"})
        assert pay(merchant)["code"] == "1"
        assert merchant.listener.at(CONFIRM) == []

    def test_simulate_is_a_payment(self, merchant: Merchant) -> None:
        register(merchant)
        answer = merchant.post(
            "/mpesa/c2b/v2/simulate",
            {
                "ShortCode": SHORTCODE,
                "CommandID": "CustomerPayBillOnline",
                "Amount": 10,
                "Msisdn": PAYER,
                "BillRefNumber": "ABC",
            },
        )
        assert answer.json()["ResponseCode"] == "0"
        assert confirmation(merchant).json["BillRefNumber"] == "ABC"

    def test_a_paid_prompt_has_a_twin_with_the_same_receipt(self, merchant: Merchant) -> None:
        merchant.control("PUT", "/behaviour", {"stk_twin": True})
        register(merchant)
        merchant.push()
        receipt = merchant.answer_prompt({"pin": "1234"})["receipt"]
        twin = confirmation(merchant).json
        assert (twin["TransID"], twin["BillRefNumber"]) == (receipt, "CYC000000001")


class TestPull:
    def window(self, merchant: Merchant, offset: int = 0) -> Any:
        now = datetime.now(UTC) + timedelta(hours=3)
        answer = merchant.post(
            "/pulltransactions/v1/query",
            {
                "ShortCode": SHORTCODE,
                "StartDate": (now - timedelta(hours=2)).strftime("%Y-%m-%d %H:%M:%S"),
                "EndDate": (now + timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S"),
                "OffSetValue": str(offset),
            },
        )
        assert answer.status_code == 200
        return answer.json()

    def enrol(self, merchant: Merchant) -> Any:
        return merchant.post(
            "/pulltransactions/v1/register",
            {
                "ShortCode": SHORTCODE,
                "RequestType": "Pull",
                "NominatedNumber": PAYER,
                "CallBackURL": merchant.listener.url,
            },
        ).json()

    def test_registering_twice_answers_1001(self, merchant: Merchant) -> None:
        assert self.enrol(merchant)["ResponseStatus"] == "1000"
        assert self.enrol(merchant)["ResponseStatus"] == "1001"

    def test_paybill_and_prompts_are_listed_but_payouts_are_not(self, merchant: Merchant) -> None:
        self.enrol(merchant)
        first = pay(merchant)["receipt"]
        merchant.push()
        second = merchant.answer_prompt({"pin": "1234"})["receipt"]
        answer = self.window(merchant)
        assert answer["ResponseCode"] == "1000"
        (rows,) = answer["Response"]
        assert [row["transactionId"] for row in rows] == [first, second]
        assert rows[1]["billreference"] == "CYC000000001"
        assert rows[0]["amount"] == "300.00"
        assert rows[0]["msisdn"] == int(PAYER[3:])

    def test_pages_count_rows_or_pages(self, merchant: Merchant) -> None:
        self.enrol(merchant)
        merchant.control("PUT", "/behaviour", {"pull_page_size": 2})
        receipts = [pay(merchant, amount=str(10 + n))["receipt"] for n in range(5)]

        def page(offset: int) -> list[str]:
            return [row["transactionId"] for row in self.window(merchant, offset)["Response"][0]]

        assert [page(0), page(2), page(4), page(5)] == [
            receipts[:2],
            receipts[2:4],
            receipts[4:],
            [],
        ]
        merchant.control("PUT", "/behaviour", {"pull_offset": "page"})
        assert page(2) == receipts[4:]

    def test_empty_and_not_provisioned_look_the_same(self, merchant: Merchant) -> None:
        self.enrol(merchant)
        empty = self.window(merchant)
        pay(merchant)
        merchant.control("PUT", "/behaviour", {"pull_provisioned": False})
        unprovisioned = self.window(merchant)
        for answer in (empty, unprovisioned):
            answer.pop("ResponseRefID")
        assert empty == unprovisioned
        assert (empty["ResponseCode"], empty["Response"]) == ("1001", [[]])

    def test_a_foreign_shortcode_is_refused(self, merchant: Merchant) -> None:
        answer = merchant.post("/pulltransactions/v1/query", {"ShortCode": "600000"})
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "400.001")


def test_the_portal_statement_lists_what_moved(merchant: Merchant) -> None:
    first = pay(merchant)["receipt"]
    merchant.push()
    merchant.answer_prompt({"cancel": True})
    text = requests.get(f"{merchant.base}/books/statement.csv", timeout=5).text
    lines = list(csv.reader(io.StringIO(text)))
    head = next(n for n, line in enumerate(lines) if line and line[0] == "Receipt No.")
    rows = [dict(zip(lines[head], line, strict=True)) for line in lines[head + 1 :]]
    (row,) = rows
    assert (row["Receipt No."], row["Paid In"], row["Withdrawn"]) == (first, "300.00", "")
    assert (row["Balance"], row["A/C No."]) == ("1000300.00", "0712345678")
    yesterday = "2020-01-01"
    old = requests.get(
        f"{merchant.base}/books/statement.csv?from={yesterday}&to={yesterday}", timeout=5
    ).text
    assert first not in old
    bad = requests.get(f"{merchant.base}/books/statement.csv?from=soon", timeout=5)
    assert bad.status_code == 400
