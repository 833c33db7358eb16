"""The stand-in's OAuth, STK push, prompts, callbacks and query, over real HTTP."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from tests.contract.daraja_side import PASSKEY, PAYER, SHORTCODE, Callback, Merchant, password
from tests.contract.fake_product import eventually

HOOK = "/hooks/stk/a-long-token-of-a-payment"


def callback_of(merchant: Merchant, number: int = 1) -> Callback:
    eventually(lambda: len(merchant.listener.at(HOOK)) >= number, f"callback {number}")
    return merchant.listener.at(HOOK)[number - 1]


def stk(callback: Callback) -> dict[str, Any]:
    body: dict[str, Any] = callback.json["Body"]["stkCallback"]
    return body


def items(callback: Callback) -> dict[str, Any]:
    return {i["Name"]: i.get("Value") for i in stk(callback)["CallbackMetadata"]["Item"]}


class TestOAuth:
    def test_token_is_28_characters_and_its_life_is_a_string(self, merchant: Merchant) -> None:
        answer = requests.get(
            f"{merchant.base}/daraja/oauth/v1/generate?grant_type=client_credentials",
            auth=("key", "secret"),
            timeout=5,
        )
        assert re.fullmatch(r"[A-Za-z0-9]{28}", answer.json()["access_token"])
        assert answer.json()["expires_in"] == "3599"

    def test_a_new_token_ends_the_one_before(self, merchant: Merchant) -> None:
        first = merchant.token
        merchant.authorise()
        assert merchant.push().status_code == 200
        merchant.token = first
        refused = merchant.push()
        assert (refused.status_code, refused.json()["errorCode"]) == (404, "404.001.03")

    def test_a_token_ends_after_its_hour(self, merchant: Merchant) -> None:
        merchant.control("PUT", "/clock", {"now": "2030-01-01T00:00:00"})
        assert merchant.push().json()["errorCode"] == "404.001.03"

    def test_wrong_secret_gets_400_without_a_body(self, merchant: Merchant) -> None:
        answer = requests.get(
            f"{merchant.base}/daraja/oauth/v1/generate?grant_type=client_credentials",
            auth=("key", "wrong"),
            timeout=5,
        )
        assert (answer.status_code, answer.text) == (400, "")

    @pytest.mark.parametrize(
        ("query", "header", "code"),
        [
            ("grant_type=client_credentials", "Bearer abc", "400.008.01"),
            ("grant_type=password", "Basic a2V5OnNlY3JldA==", "400.008.02"),
        ],
    )
    def test_wrong_kinds_are_refused(
        self, merchant: Merchant, query: str, header: str, code: str
    ) -> None:
        answer = requests.get(
            f"{merchant.base}/daraja/oauth/v1/generate?{query}",
            headers={"Authorization": header},
            timeout=5,
        )
        assert (answer.status_code, answer.json()["errorCode"]) == (400, code)


class TestPushRefusals:
    @pytest.mark.parametrize(
        ("changes", "status", "code", "text"),
        [
            ({"Amount": 0}, 400, "400.002.02", "Bad Request - Invalid Amount"),
            ({"Amount": "10.5"}, 400, "400.002.02", "Bad Request - Invalid Amount"),
            ({"Amount": None}, 400, "400.002.02", "Bad Request - Invalid Amount"),
            (
                {"PhoneNumber": "0712345678"},
                400,
                "400.002.02",
                "Bad Request - Invalid PhoneNumber",
            ),
            ({"Timestamp": "2021"}, 400, "400.002.02", "Bad Request - Invalid Timestamp"),
            ({"TransactionType": "x"}, 400, "400.002.02", "Bad Request - Invalid TransactionType"),
            ({"CallBackURL": "nowhere"}, 400, "400.002.02", "Bad Request - Invalid CallBackURL"),
            (
                {"AccountReference": "A" * 13},
                400,
                "400.002.02",
                "Bad Request - Invalid AccountReference",
            ),
            (
                {"TransactionDesc": "D" * 14},
                400,
                "400.002.02",
                "Bad Request - Invalid TransactionDesc",
            ),
            ({"Password": "eA=="}, 500, "500.001.1001", "[MerchantValidate] - Wrong credentials"),
            ({"BusinessShortCode": "99999"}, 500, "500.001.1001", "Merchant does not exist"),
        ],
    )
    def test_field_rules(
        self, merchant: Merchant, changes: dict[str, Any], status: int, code: str, text: str
    ) -> None:
        answer = merchant.push(**changes)
        assert answer.status_code == status
        assert (answer.json()["errorCode"], answer.json()["errorMessage"]) == (code, text)
        assert merchant.control("GET", "/books")["payments"] == []

    def test_a_timestamp_in_utc_is_wrong_credentials(self, merchant: Merchant) -> None:
        timestamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
        answer = merchant.push(
            Timestamp=timestamp, Password=password(SHORTCODE, PASSKEY, timestamp)
        )
        assert answer.json()["errorMessage"] == "[MerchantValidate] - Wrong credentials"

    def test_a_form_body_gets_the_misleading_text(self, merchant: Merchant) -> None:
        answer = requests.post(
            f"{merchant.base}/daraja/mpesa/stkpush/v1/processrequest",
            data=merchant.push_body(),
            headers={"Authorization": f"Bearer {merchant.token}"},
            timeout=5,
        )
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "400.002.02")
        assert "RecieverIdentifierType" in answer.json()["errorMessage"]

    def test_broken_json_is_an_invalid_payload(self, merchant: Merchant) -> None:
        answer = requests.post(
            f"{merchant.base}/daraja/mpesa/stkpush/v1/processrequest",
            data="{",
            headers={
                "Authorization": f"Bearer {merchant.token}",
                "Content-Type": "application/json",
            },
            timeout=5,
        )
        assert answer.json()["errorCode"] == "400.002.05"

    def test_a_malformed_header_is_named(self, merchant: Merchant) -> None:
        answer = requests.post(
            f"{merchant.base}/daraja/mpesa/stkpush/v1/processrequest", json={}, timeout=5
        )
        assert (answer.status_code, answer.json()["errorCode"]) == (404, "404.001.04")

    def test_get_is_not_allowed_and_unknown_paths_are_not_found(self, merchant: Merchant) -> None:
        push = requests.get(f"{merchant.base}/daraja/mpesa/stkpush/v1/processrequest", timeout=5)
        assert (push.status_code, push.json()["errorCode"]) == (405, "405.001")
        unknown = requests.post(f"{merchant.base}/daraja/mpesa/stkpush/v9", timeout=5)
        assert (unknown.status_code, unknown.json()["errorCode"]) == (404, "404.001.01")

    def test_lengths_are_let_through_when_lenient(self, merchant: Merchant) -> None:
        merchant.control("PUT", "/behaviour", {"strict_lengths": False})
        assert merchant.push(AccountReference="A" * 17).status_code == 200

    @pytest.mark.parametrize(
        "url",
        [
            "http://cycle.example/hooks/x",
            "https://localhost/hooks/x",
            "https://10.0.0.1/hooks/x",
            "https://cycle.example/Mpesa/x",
        ],
    )
    def test_strict_urls_are_public_https_without_forbidden_words(
        self, merchant: Merchant, url: str
    ) -> None:
        merchant.control("PUT", "/behaviour", {"strict_urls": True})
        assert merchant.push(CallBackURL=url).json()["errorMessage"].endswith("CallBackURL")
        assert merchant.push(CallBackURL="https://cycle.example/hooks/x").status_code == 200

    def test_one_prompt_a_phone(self, merchant: Merchant) -> None:
        assert merchant.push().status_code == 200
        second = merchant.push(Amount=501)
        assert second.status_code == 500
        assert second.json()["errorMessage"].startswith("Unable to lock subscriber")


class TestPaying:
    def test_a_pin_moves_the_money_and_calls_back(self, merchant: Merchant) -> None:
        accepted = merchant.push().json()
        assert accepted["ResponseCode"] == "0"
        assert merchant.control("GET", f"/handset/{PAYER}/prompts") == [
            {
                "id": accepted["CheckoutRequestID"],
                "amount": "500.00",
                "business": SHORTCODE,
                "reference": "CYC000000001",
            }
        ]
        told = merchant.answer_prompt({"pin": "1234"})
        callback = callback_of(merchant)
        assert stk(callback)["ResultCode"] == 0
        assert stk(callback)["CheckoutRequestID"] == accepted["CheckoutRequestID"]
        assert stk(callback)["MerchantRequestID"] == accepted["MerchantRequestID"]
        details = items(callback)
        assert details["MpesaReceiptNumber"] == told["receipt"]
        assert details["PhoneNumber"] == int(PAYER)
        assert re.fullmatch(r"20[0-9]{12}", str(details["TransactionDate"]))
        assert details["Balance"] is None
        assert '"Value": 500.00}' in callback.text
        books = merchant.control("GET", "/books")
        assert books["customers"][PAYER]["balance"] == "9500.00"
        assert books["organisation"]["utility"] == "1000500.00"
        assert books["imbalance"] == "0.00"
        (payment,) = books["payments"]
        assert (payment["state"], payment["receipt"]) == ("completed", told["receipt"])
        assert merchant.control("GET", f"/handset/{PAYER}/prompts") == []

    def test_callbacks_carry_the_observed_headers(self, merchant: Merchant) -> None:
        merchant.push()
        merchant.answer_prompt({"cancel": True})
        headers = callback_of(merchant).headers
        assert headers["Content-Type"] == "application/json;charset=UTF-8"
        assert headers["Businessshortcode"] == SHORTCODE
        assert headers["User-Agent"] == "ReactorNetty/1.2.9"
        assert "Authorization" not in headers

    def test_receipts_begin_with_the_date(self, merchant: Merchant) -> None:
        merchant.control("PUT", "/clock", {"now": "2026-11-23T12:00:00"})
        merchant.authorise()
        merchant.push()
        receipt = merchant.answer_prompt({"pin": "1234"})["receipt"]
        assert re.fullmatch(r"UKN[A-Z0-9]{7}", receipt)

    @pytest.mark.parametrize(
        ("answer", "balance", "code"),
        [
            ({"cancel": True}, "10000.00", 1032),
            ({"pin": "9999"}, "10000.00", 2001),
            ({"pin": "1234"}, "499.00", 1),
        ],
    )
    def test_failures_have_a_code_and_no_details(
        self, merchant: Merchant, answer: dict[str, Any], balance: str, code: int
    ) -> None:
        merchant.control("PUT", f"/handset/{PAYER}", {"mpesa_balance": balance})
        checkout = merchant.push().json()["CheckoutRequestID"]
        told = merchant.answer_prompt(answer)
        callback = callback_of(merchant)
        assert stk(callback)["ResultCode"] == code
        assert "CallbackMetadata" not in stk(callback)
        assert (told["state"], told["receipt"]) == ("failed", None)
        assert merchant.query(checkout).json()["ResultCode"] == str(code)
        books = merchant.control("GET", "/books")
        assert books["customers"][PAYER]["balance"] == balance

    def test_three_wrong_pins_lock_the_payer(self, merchant: Merchant) -> None:
        for number in range(3):
            merchant.push(Amount=10 + number)
            merchant.answer_prompt({"pin": "0000"})
        merchant.push(Amount=20)
        assert merchant.answer_prompt({"pin": "1234"})["code"] == "8006"

    @pytest.mark.parametrize("ignored", [True, False])
    def test_a_prompt_left_alone_ends_with_1037(self, merchant: Merchant, ignored: bool) -> None:
        merchant.control("PUT", "/behaviour", {"prompt_seconds": 0.3})
        merchant.push()
        if ignored:
            merchant.answer_prompt({"ignore": True})
            assert merchant.control("GET", f"/handset/{PAYER}/prompts") == []
        assert stk(callback_of(merchant))["ResultCode"] == 1037

    def test_a_phone_that_is_off_sees_nothing_and_ends_with_1037(self, merchant: Merchant) -> None:
        merchant.control("PUT", "/behaviour", {"prompt_seconds": 0.2})
        merchant.control("PUT", f"/handset/{PAYER}", {"reachable": False})
        merchant.push()
        assert merchant.control("GET", f"/handset/{PAYER}/prompts") == []
        assert stk(callback_of(merchant))["ResultCode"] == 1037

    def test_the_same_amount_soon_after_is_rule_limited(self, merchant: Merchant) -> None:
        merchant.push()
        merchant.answer_prompt({"pin": "1234"})
        # Two callbacks on their way at once may arrive in any order.
        assert stk(callback_of(merchant))["ResultCode"] == 0
        merchant.push()
        assert stk(callback_of(merchant, 2))["ResultCode"] == 17

    def test_scripted_answers_by_phone_and_amount_and_next_n(self, merchant: Merchant) -> None:
        merchant.control(
            "PUT",
            "/scenarios",
            {
                "rules": [
                    {"flow": "stk", "answer": "pay", "times": 1},
                    {"flow": "stk", "answer": "cancel", "amount": "77"},
                    {"flow": "stk", "answer": {"code": "SFC_IC0003", "text": "None."}},
                ]
            },
        )
        codes = []
        for number, amount in enumerate((500, 77, 78), start=1):
            merchant.push(Amount=amount)
            codes.append(stk(callback_of(merchant, number))["ResultCode"])
        assert codes == [0, 1032, "SFC_IC0003"]


class TestQuery:
    def test_open_prompts_answer_4999_or_the_classic_error(self, merchant: Merchant) -> None:
        checkout = merchant.push().json()["CheckoutRequestID"]
        assert merchant.query(checkout).json()["ResultCode"] == "4999"
        merchant.control("PUT", "/behaviour", {"query_style": "classic"})
        answer = merchant.query(checkout)
        assert answer.status_code == 500
        assert answer.json() == {
            "requestId": checkout,
            "errorCode": "500.001.1001",
            "errorMessage": "The transaction is being processed",
        }

    def test_a_paid_prompt_has_no_receipt(self, merchant: Merchant) -> None:
        checkout = merchant.push().json()["CheckoutRequestID"]
        merchant.answer_prompt({"pin": "1234"})
        answer = merchant.query(checkout)
        assert set(answer.json()) == {
            "ResponseCode",
            "ResponseDescription",
            "MerchantRequestID",
            "CheckoutRequestID",
            "ResultCode",
            "ResultDesc",
        }
        assert answer.json()["ResultCode"] == "0"
        assert "successsfully" in answer.json()["ResponseDescription"]
        assert answer.text.startswith("  ")
        assert answer.text.endswith("\n")

    def test_unknown_ids_do_not_exist(self, merchant: Merchant) -> None:
        answer = merchant.query("ws_CO_1")
        assert answer.json()["errorMessage"] == "The transaction does not Exist"
