"""What each kind of fault does at the stand-in's M-Pesa places, over real HTTP."""

import time
from typing import Any

import pytest
import requests

from standin.faults import PLACES
from tests.contract.daraja_side import PAYER, Callback, Merchant
from tests.contract.fake_product import eventually
from tests.contract.test_standin_daraja_c2b import CONFIRM, pay
from tests.contract.test_standin_daraja_c2b import register as register_c2b
from tests.contract.test_standin_daraja_results import (
    RESULT,
    TIMEOUT,
    ask_status,
    parameters,
    payout,
    result_of,
)

HOOK = "/hooks/stk/a-long-token-of-a-payment"


def fault(merchant: Merchant, at: str, do: str, **rule: Any) -> None:
    merchant.control("PUT", "/faults", {"rules": [{"at": at, "do": do, **rule}]})


def deposit(merchant: Merchant, amount: int = 500) -> Any:
    merchant.push(Amount=amount)
    return merchant.answer_prompt({"pin": "1234"})


def callbacks(merchant: Merchant, number: int, path: str = HOOK) -> list[Callback]:
    eventually(lambda: len(merchant.listener.at(path)) >= number, f"{number} at {path}")
    return merchant.listener.at(path)


def code_of(callback: Callback) -> object:
    return callback.json["Body"]["stkCallback"]["ResultCode"]


def settled(merchant: Merchant, at: str, deliveries: int) -> None:
    """Wait until so many deliveries left, then see that no further one follows soon."""
    path = f"/deliveries?at={at}"
    eventually(lambda: len(merchant.control("GET", path)) >= deliveries, "deliveries")
    time.sleep(0.15)
    assert len(merchant.control("GET", path)) == deliveries


class TestRules:
    def test_every_kind_is_taken_where_it_makes_sense(self, merchant: Merchant) -> None:
        rules = [{"at": at, "do": do, "rate": 0} for at in PLACES for do in PLACES[at]]
        answer = merchant.control("PUT", "/faults", {"seed": 7, "rules": rules})
        assert len(answer["rules"]) == len(rules)
        assert answer["seed"] == 7

    def test_a_kind_without_sense_is_refused_and_changes_nothing(self, merchant: Merchant) -> None:
        fault(merchant, "oauth", "refuse")
        nonsense = {"rules": [{"at": "oauth", "do": "tamper_amount"}]}
        answer = requests.put(f"{merchant.base}/faults", json=nonsense, timeout=5)
        assert answer.status_code == 400
        assert "makes no sense" in answer.json()["error"]
        (rule,) = merchant.control("GET", "/faults")["rules"]
        assert rule["do"] == "refuse"

    @pytest.mark.parametrize(
        "document",
        [
            None,
            [],
            {},
            {"rules": {}},
            {"rules": [1]},
            {"rules": [{"at": "moon", "do": "drop"}]},
            {"rules": [{"at": "oauth"}]},
            {"rules": [{"at": "oauth", "do": "slow", "times": 0}]},
            {"rules": [{"at": "oauth", "do": "slow", "rate": 1.5}]},
            {"rules": [{"at": "oauth", "do": "slow", "rate": "often"}]},
            {"rules": [{"at": "oauth", "do": "slow", "seconds": -1}]},
            {"rules": [{"at": "oauth", "do": "slow", "second": 1}]},
            {"rules": [{"at": "stk.sync", "do": "slow", "amount": "ten"}]},
            {"seed": "x", "rules": []},
        ],
    )
    def test_malformed_rules_are_refused(self, merchant: Merchant, document: object) -> None:
        answer = requests.put(f"{merchant.base}/faults", json=document, timeout=5)
        assert answer.status_code == 400
        assert answer.json()["error"]

    def test_times_and_the_tally(self, merchant: Merchant) -> None:
        fault(merchant, "stk.sync", "spike", times=2)
        statuses = [merchant.push().status_code for _ in range(3)]
        assert statuses == [500, 500, 200]
        requests.delete(f"{merchant.base}/faults", timeout=5)
        assert merchant.control("GET", "/faults")["fired"] == {"stk.sync": {"spike": 2}}
        shown = merchant.control("GET", "/requests?at=stk.sync")
        assert [entry["fault"] for entry in shown] == ["spike", "spike", None]

    def test_rules_aim_at_phones_and_amounts(self, merchant: Merchant) -> None:
        other = "254711000222"
        rules = [
            {"at": "stk.sync", "do": "spike", "msisdn": other},
            {"at": "stk.sync", "do": "quota", "amount": "700"},
        ]
        merchant.control("PUT", "/faults", {"rules": rules})
        codes = [
            merchant.push(PhoneNumber=other).json().get("errorCode"),
            merchant.push(Amount=700).json().get("errorCode"),
            merchant.push().json().get("errorCode"),
        ]
        assert codes == ["500.003.02", "500.003.03", None]


class TestAnswers:
    @pytest.mark.parametrize(
        ("do", "status", "begins"),
        [
            ("refuse", 400, '{"requestId'),
            ("error500", 500, '{"requestId'),
            ("html503", 503, "<html>"),
            ("soap409", 409, '{"Envelope'),
            ("empty", 200, ""),
        ],
    )
    def test_wrong_answers_process_nothing_unless_told(
        self, merchant: Merchant, do: str, status: int, begins: str
    ) -> None:
        fault(merchant, "stk.sync", do, times=1)
        answer = merchant.push()
        assert answer.status_code == status
        assert "".join(answer.text.split()).startswith(begins)
        assert merchant.control("GET", f"/handset/{PAYER}/prompts") == []
        if do != "refuse":
            fault(merchant, "stk.sync", do, times=1, processed=True)
            assert merchant.push().status_code == status
            assert len(merchant.control("GET", f"/handset/{PAYER}/prompts")) == 1

    def test_a_refusal_can_be_any(self, merchant: Merchant) -> None:
        fault(merchant, "b2c.sync", "refuse", status=500, code="500.002.1001", text="Odd.")
        answer = payout(merchant)
        assert (answer.status_code, answer.json()["errorMessage"]) == (500, "Odd.")

    def test_b2c_error500_shares_the_code_of_a_duplicate(self, merchant: Merchant) -> None:
        fault(merchant, "b2c.sync", "error500")
        body = payout(merchant).json()
        assert body["errorCode"] == "500.002.1001"
        assert body["errorMessage"] == "System internal error."

    def test_a_lost_reply_was_processed_and_a_dropped_call_was_not(
        self, merchant: Merchant
    ) -> None:
        fault(merchant, "b2c.sync", "drop", times=1)
        with pytest.raises(requests.ConnectionError):
            payout(merchant)
        assert merchant.control("GET", "/books")["payments"] == []
        fault(merchant, "b2c.sync", "lose_reply", times=1)
        with pytest.raises(requests.ConnectionError):
            payout(merchant)
        assert result_of(merchant).json["Result"]["ResultCode"] == 0
        assert payout(merchant).json()["errorMessage"].startswith("Duplicate")

    def test_slow_is_processed_before_the_answer(self, merchant: Merchant) -> None:
        fault(merchant, "b2c.sync", "slow", seconds=0.5)
        with pytest.raises(requests.ReadTimeout):
            merchant.post("/mpesa/b2c/v3/paymentrequest", {}, timeout=0.2)
        started = time.monotonic()
        assert payout(merchant).status_code == 200
        assert time.monotonic() - started >= 0.5
        assert len(merchant.listener.at(RESULT)) == 1

    def test_an_expired_token_is_really_over(self, merchant: Merchant) -> None:
        fault(merchant, "stk.sync", "expired_token", times=1)
        assert merchant.push().json()["errorCode"] == "404.001.03"
        assert merchant.push().json()["errorCode"] == "404.001.03"
        merchant.authorise()
        assert merchant.push().status_code == 200

    def test_types_drift_in_answers(self, merchant: Merchant) -> None:
        fault(merchant, "stk.sync", "string_types", times=1)
        assert merchant.push().json()["ResponseCode"] == 0

    def test_a_query_hiccup_is_an_empty_error_under_200(self, merchant: Merchant) -> None:
        checkout = merchant.push().json()["CheckoutRequestID"]
        fault(merchant, "stk.query", "hiccup", times=1)
        answer = merchant.query(checkout)
        assert answer.status_code == 200
        assert (answer.json()["errorCode"], answer.json()["errorMessage"]) == ("500.001.1001", "")

    @pytest.mark.parametrize(
        ("do", "status", "text"), [("refuse", 400, ""), ("empty", 200, ""), ("html503", 503, "<h")]
    )
    def test_oauth(self, merchant: Merchant, do: str, status: int, text: str) -> None:
        fault(merchant, "oauth", do)
        answer = requests.get(
            f"{merchant.base}/daraja/oauth/v1/generate?grant_type=client_credentials",
            auth=("key", "secret"),
            timeout=5,
        )
        assert (answer.status_code, answer.text[:2]) == (status, text)


class TestCallbacks:
    def test_a_dropped_callback_never_comes_but_the_money_moved(self, merchant: Merchant) -> None:
        fault(merchant, "stk.callback", "drop", times=1)
        assert deposit(merchant)["state"] == "completed"
        settled(merchant, "stk.callback", 0)
        assert merchant.control("GET", "/books")["organisation"]["utility"] == "1000500.00"

    @pytest.mark.parametrize("do", ["duplicate", "parallel_duplicate"])
    def test_duplicates_are_equal_to_the_byte(self, merchant: Merchant, do: str) -> None:
        fault(merchant, "stk.callback", do, copies=4)
        deposit(merchant)
        copies = callbacks(merchant, 4)
        assert len({copy.text for copy in copies}) == 1
        settled(merchant, "stk.callback", 4)

    def test_late_waits(self, merchant: Merchant) -> None:
        fault(merchant, "stk.callback", "late", seconds=0.5)
        started = time.monotonic()
        deposit(merchant)
        callbacks(merchant, 1)
        assert time.monotonic() - started >= 0.5

    def test_reorder_lets_the_next_one_pass(self, merchant: Merchant) -> None:
        fault(merchant, "stk.callback", "reorder", times=1)
        first = deposit(merchant, 500)["receipt"]
        second = deposit(merchant, 501)["receipt"]
        texts = [callback.text for callback in callbacks(merchant, 2)]
        assert second in texts[0]
        assert first in texts[1]

    def test_reorder_without_a_next_one_only_waits(self, merchant: Merchant) -> None:
        fault(merchant, "stk.callback", "reorder", times=1, seconds=0.3)
        receipt = deposit(merchant)["receipt"]
        (callback,) = callbacks(merchant, 1)
        assert receipt in callback.text
        settled(merchant, "stk.callback", 1)

    def test_an_early_callback_overtakes_the_reply(self, merchant: Merchant) -> None:
        fault(merchant, "stk.callback", "early", times=1)
        merchant.control("PUT", "/scenarios", {"rules": [{"flow": "stk", "answer": "pay"}]})
        checkout = merchant.push().json()["CheckoutRequestID"]
        # No waiting here: the callback must have arrived before the reply did.
        (callback,) = merchant.listener.at(HOOK)
        assert checkout in callback.text

    def test_a_tampered_amount_differs_from_the_books(self, merchant: Merchant) -> None:
        fault(merchant, "stk.callback", "tamper_amount")
        deposit(merchant)
        assert '"Value": 5000.00}' in callbacks(merchant, 1)[0].text
        (payment,) = merchant.control("GET", "/books")["payments"]
        assert payment["amount"] == "500.00"

    def test_a_wrong_token_goes_to_another_path(self, merchant: Merchant) -> None:
        fault(merchant, "stk.callback", "wrong_token")
        deposit(merchant)
        settled(merchant, "stk.callback", 1)
        (sent,) = merchant.control("GET", "/deliveries?at=stk.callback")
        assert "/hooks/stk/" in sent["url"]
        assert merchant.listener.at(HOOK) == []

    def test_missing_details_and_other_types_and_ids(self, merchant: Merchant) -> None:
        fault(merchant, "stk.callback", "no_metadata", times=1)
        deposit(merchant, 500)
        told = callbacks(merchant, 1)[0].json["Body"]["stkCallback"]
        assert told["ResultCode"] == 0
        assert "CallbackMetadata" not in told
        fault(merchant, "stk.callback", "string_types", times=1)
        deposit(merchant, 501)
        told = callbacks(merchant, 2)[1].json["Body"]["stkCallback"]
        values = [item["Value"] for item in told["CallbackMetadata"]["Item"] if "Value" in item]
        assert told["ResultCode"] == "0"
        assert all(isinstance(value, str) for value in values)
        fault(merchant, "stk.callback", "unknown_ids", times=1)
        checkout = merchant.push(Amount=502).json()["CheckoutRequestID"]
        merchant.answer_prompt({"pin": "1234"})
        assert checkout not in callbacks(merchant, 3)[2].text

    def test_a_late_success_follows_the_timeout(self, merchant: Merchant) -> None:
        fault(merchant, "stk.callback", "timeout_then_result", seconds=0.05)
        deposit(merchant)
        assert [code_of(callback) for callback in callbacks(merchant, 2)] == [1037, 0]

    def test_callbacks_are_repeated_when_told_so(self, merchant: Merchant) -> None:
        merchant.listener.answer = lambda _: (500, "")
        deposit(merchant)
        settled(merchant, "stk.callback", 1)
        merchant.control("PUT", "/behaviour", {"callback_retries": 1})
        receipt = deposit(merchant, 501)["receipt"]
        repeated = callbacks(merchant, 3)[1:]
        assert [receipt in callback.text for callback in repeated] == [True, True]


class TestResults:
    @pytest.mark.parametrize("body", ["echo", "envelope", "empty"])
    def test_a_queue_timeout_and_then_the_result(self, merchant: Merchant, body: str) -> None:
        fault(merchant, "b2c.result", "timeout_then_result", seconds=0.05, body=body)
        payout(merchant)
        timeout = callbacks(merchant, 1, TIMEOUT)[0]
        assert result_of(merchant).json["Result"]["ResultCode"] == 0
        if body == "echo":
            assert timeout.json["OriginatorConversationID"] == "payout-1"
            assert timeout.json["SecurityCredential"]
        elif body == "envelope":
            assert timeout.json["Result"]["ResultType"] == 1
        else:
            assert timeout.text == ""

    def test_a_timeout_alone_means_that_nothing_was_paid(self, merchant: Merchant) -> None:
        fault(merchant, "b2c.result", "timeout_only", times=1)
        payout(merchant)
        callbacks(merchant, 1, TIMEOUT)
        settled(merchant, "b2c.result", 1)
        assert merchant.control("GET", f"/handset/{PAYER}")["mpesa_balance"] == "10000.00"
        ask_status(merchant, OriginalConversationID="payout-1")
        assert parameters(result_of(merchant))["TransactionStatus"] == "Expired"

    def test_reorder_sends_the_timeout_after_the_result(self, merchant: Merchant) -> None:
        fault(merchant, "b2c.result", "reorder")
        payout(merchant)
        callbacks(merchant, 1, TIMEOUT)
        paths = [c.path for c in merchant.listener.callbacks]
        assert paths == [RESULT, TIMEOUT]

    def test_an_early_result_overtakes_the_reply(self, merchant: Merchant) -> None:
        fault(merchant, "b2c.result", "early")
        conversation = payout(merchant).json()["ConversationID"]
        (callback,) = merchant.listener.at(RESULT)
        assert conversation in callback.text

    def test_a_dropped_result_was_paid(self, merchant: Merchant) -> None:
        fault(merchant, "b2c.result", "drop", times=1)
        payout(merchant)
        eventually(
            lambda: merchant.control("GET", f"/handset/{PAYER}")["mpesa_balance"] == "11500.00",
            "the money",
        )
        settled(merchant, "b2c.result", 0)
        ask_status(merchant, OriginalConversationID="payout-1")
        assert parameters(result_of(merchant))["TransactionStatus"] == "Completed"

    @pytest.mark.parametrize("at", ["b2c.result", "status.result"])
    def test_bent_results(self, merchant: Merchant, at: str) -> None:
        payouts = iter(range(10))

        def ask() -> Callback:
            before = len(merchant.listener.at(RESULT))
            payout(merchant, OriginatorConversationID=f"payout-{next(payouts)}")
            if at == "b2c.result":
                return result_of(merchant, before + 1)
            result_of(merchant, before + 1)
            ask_status(merchant, OriginalConversationID="payout-0")
            return result_of(merchant, before + 2)

        fault(merchant, at, "no_metadata", times=1)
        assert "ResultParameters" not in ask().json["Result"]
        fault(merchant, at, "string_types", times=1)
        callback = ask()
        assert callback.json["Result"]["ResultCode"] == "0"
        assert all(isinstance(v, str | None) for v in parameters(callback).values())
        fault(merchant, at, "tamper_amount", times=1)
        details = parameters(ask())
        assert details.get("TransactionAmount", details.get("Amount")) == 15000

    def test_reference_and_receiver_forms(self, merchant: Merchant) -> None:
        merchant.control(
            "PUT",
            "/behaviour",
            {"reference_form": "list", "receiver_form": "local", "gateway_originator": True},
        )
        payout(merchant)
        callback = result_of(merchant)
        result = callback.json["Result"]
        assert isinstance(result["ReferenceData"]["ReferenceItem"], list)
        assert parameters(callback)["ReceiverPartyPublicName"].startswith("0712345678 - ")
        assert result["OriginatorConversationID"] != "payout-1"


class TestPaybill:
    def test_confirmations_suffer_too(self, merchant: Merchant) -> None:
        register_c2b(merchant)
        fault(merchant, "c2b.confirm", "duplicate", times=1)
        pay(merchant)
        assert len({c.text for c in callbacks(merchant, 2, CONFIRM)}) == 1
        fault(merchant, "c2b.confirm", "tamper_amount", times=1)
        pay(merchant)
        assert callbacks(merchant, 3, CONFIRM)[2].json["TransAmount"] == "3000.00"
        fault(merchant, "c2b.confirm", "drop", times=1)
        assert pay(merchant)["state"] == "completed"
        settled(merchant, "c2b.confirm", 3)

    def test_a_lost_validation_is_decided_by_the_response_type(self, merchant: Merchant) -> None:
        register_c2b(merchant, response_type="Cancelled")
        fault(merchant, "c2b.validate", "drop")
        assert pay(merchant)["state"] == "failed"
