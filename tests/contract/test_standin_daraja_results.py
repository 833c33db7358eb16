"""The stand-in's B2C, transaction status, account balance and reversal, over real HTTP."""

import base64
import re
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.contract.daraja_side import PAYER, SHORTCODE, Callback, Merchant
from tests.contract.fake_product import eventually

RESULT = "/hooks/b2c/a-long-token-of-a-payout/result"
TIMEOUT = "/hooks/b2c/a-long-token-of-a-payout/timeout"


def credential(merchant: Merchant, password: str = "password") -> str:
    pem = requests.get(f"{merchant.base}/daraja/certificate.pem", timeout=5).content
    key = x509.load_pem_x509_certificate(pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    return base64.b64encode(key.encrypt(password.encode(), padding.PKCS1v15())).decode()


def urls(merchant: Merchant) -> dict[str, str]:
    base = merchant.listener.url
    return {"ResultURL": f"{base}{RESULT}", "QueueTimeOutURL": f"{base}{TIMEOUT}"}


def payout(merchant: Merchant, **changes: Any) -> requests.Response:
    body = {
        "OriginatorConversationID": "payout-1",
        "InitiatorName": "initiator",
        "SecurityCredential": credential(merchant),
        "CommandID": "BusinessPayment",
        "Amount": 1500,
        "PartyA": SHORTCODE,
        "PartyB": PAYER,
        "Remarks": "Withdrawal",
        "Occassion": "",
        **urls(merchant),
        **changes,
    }
    return merchant.post("/mpesa/b2c/v3/paymentrequest", body)


def ask_status(merchant: Merchant, **changes: Any) -> requests.Response:
    body = {
        "Initiator": "initiator",
        "SecurityCredential": credential(merchant),
        "CommandID": "TransactionStatusQuery",
        "PartyA": SHORTCODE,
        "IdentifierType": "4",
        "Remarks": "Status",
        "Occasion": "Status",
        **urls(merchant),
        **changes,
    }
    return merchant.post("/mpesa/transactionstatus/v1/query", body)


def reverse(merchant: Merchant, receipt: str, amount: int) -> requests.Response:
    body = {
        "Initiator": "initiator",
        "SecurityCredential": credential(merchant),
        "CommandID": "TransactionReversal",
        "TransactionID": receipt,
        "Amount": amount,
        "ReceiverParty": SHORTCODE,
        "RecieverIdentifierType": "11",
        "Remarks": "Returned",
        **urls(merchant),
    }
    return merchant.post("/mpesa/reversal/v1/request", body)


def result_of(merchant: Merchant, number: int = 1, path: str = RESULT) -> Callback:
    eventually(lambda: len(merchant.listener.at(path)) >= number, f"result {number}")
    return merchant.listener.at(path)[number - 1]


def parameters(callback: Callback) -> dict[str, Any]:
    entries = callback.json["Result"]["ResultParameters"]["ResultParameter"]
    return {entry["Key"]: entry.get("Value") for entry in entries}


class TestPayout:
    def test_money_leaves_utility_and_the_charge_its_account(self, merchant: Merchant) -> None:
        accepted = payout(merchant).json()
        assert accepted["ResponseCode"] == "0"
        assert accepted["OriginatorConversationID"] == "payout-1"
        assert re.fullmatch(r"AG_[0-9]{8}_[0-9a-f]{20}", accepted["ConversationID"])
        callback = result_of(merchant)
        result = callback.json["Result"]
        assert (result["ResultType"], result["ResultCode"]) == (0, 0)
        assert result["ConversationID"] == accepted["ConversationID"]
        assert result["OriginatorConversationID"] == "payout-1"
        details = parameters(callback)
        assert details["TransactionReceipt"] == result["TransactionID"]
        assert details["ReceiverPartyPublicName"].startswith(f"{PAYER} - ")
        assert re.fullmatch(
            r"[0-9]{2}\.[0-9]{2}\.20[0-9]{2} [0-9:]{8}", details["TransactionCompletedDateTime"]
        )
        assert '"Value": 998500.00' in callback.text
        books = merchant.control("GET", "/books")
        assert books["organisation"]["utility"] == "998500.00"
        assert books["organisation"]["charges_paid"] == "-5.00"
        assert books["customers"][PAYER]["balance"] == "11500.00"
        assert books["imbalance"] == "0.00"

    def test_the_same_originator_id_is_refused_and_paid_once(self, merchant: Merchant) -> None:
        payout(merchant)
        again = payout(merchant)
        assert (again.status_code, again.json()["errorCode"]) == (500, "500.002.1001")
        assert again.json()["errorMessage"] == "Duplicate OriginatorConversationID."
        result_of(merchant)
        assert merchant.control("GET", f"/handset/{PAYER}")["mpesa_balance"] == "11500.00"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("OriginatorConversationID", ""),
            ("CommandID", "Pay"),
            ("Amount", "10.5"),
            ("PartyB", "0712345678"),
            ("Remarks", "x"),
            ("ResultURL", "nowhere"),
            ("Occassion", "o" * 101),
            ("SecurityCredential", None),
        ],
    )
    def test_field_rules(self, merchant: Merchant, field: str, value: object) -> None:
        answer = payout(merchant, **{field: value})
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "400.002.02")
        assert answer.json()["errorMessage"] == f"Bad Request - Invalid {field}"

    def test_an_invalid_token_is_spelled_out(self, merchant: Merchant) -> None:
        merchant.token = "stale"
        answer = payout(merchant)
        assert (answer.status_code, answer.json()["errorCode"]) == (401, "401.002.01")
        assert answer.json()["errorMessage"] == "Error Occurred - Invalid Access Token - stale"

    @pytest.mark.parametrize(
        ("changes", "handset", "utility", "code"),
        [
            ({"Amount": 9}, {}, None, 2),
            ({"Amount": 250_001}, {}, None, 3),
            ({}, {"registered": False}, None, 2040),
            ({}, {"mpesa_balance": "499000"}, None, 8),
            ({}, {}, "1499.99", 1),
            ({"PartyA": "600000"}, {}, None, 2028),
            ({"InitiatorName": "stranger"}, {}, None, 2001),
        ],
    )
    def test_failures_come_with_the_result(
        self,
        merchant: Merchant,
        changes: dict[str, Any],
        handset: dict[str, Any],
        utility: str | None,
        code: int,
    ) -> None:
        if handset:
            merchant.control("PUT", f"/handset/{PAYER}", handset)
        if utility:
            merchant.control("PUT", "/books", {"utility": utility})
        before = merchant.control("GET", "/books")["organisation"]
        assert payout(merchant, **changes).status_code == 200
        result = result_of(merchant).json["Result"]
        assert result["ResultCode"] == code
        assert "ResultParameters" not in result
        assert merchant.control("GET", "/books")["organisation"] == before

    def test_wrong_passwords_fail_later_and_lock_the_initiator(self, merchant: Merchant) -> None:
        codes = []
        for number in range(4):
            sealed = credential(merchant, "wrong" if number < 3 else "password")
            payout(
                merchant,
                OriginatorConversationID=f"payout-{number}",
                SecurityCredential=sealed,
            )
            codes.append(result_of(merchant, number + 1).json["Result"]["ResultCode"])
        assert codes == [2001, 2001, 2001, 8006]
        requests.post(f"{merchant.base}/initiator/unlock", timeout=5).raise_for_status()
        payout(merchant, OriginatorConversationID="payout-9")
        assert result_of(merchant, 5).json["Result"]["ResultCode"] == 0

    def test_version_1_makes_its_own_originator_id(self, merchant: Merchant) -> None:
        body = {
            "InitiatorName": "initiator",
            "SecurityCredential": credential(merchant),
            "CommandID": "SalaryPayment",
            "Amount": "10",
            "PartyA": SHORTCODE,
            "PartyB": PAYER,
            "Remarks": "Pay",
            "Occasion": "May",
            **urls(merchant),
        }
        answer = merchant.post("/mpesa/b2c/v1/paymentrequest", body)
        assert answer.json()["OriginatorConversationID"]
        assert result_of(merchant).json["Result"]["ResultCode"] == 0

    def test_secrets_stay_out_of_the_request_log(self, merchant: Merchant) -> None:
        payout(merchant)
        (entry,) = merchant.control("GET", "/requests?at=b2c.sync")
        assert entry["body"]["SecurityCredential"] == "(withheld)"
        assert entry["body"]["OriginatorConversationID"] == "payout-1"


class TestStatus:
    @pytest.mark.parametrize("by", ["TransactionID", "OriginalConversationID"])
    def test_a_payout_is_found_by_receipt_and_by_its_own_id(
        self, merchant: Merchant, by: str
    ) -> None:
        payout(merchant)
        receipt = result_of(merchant).json["Result"]["TransactionID"]
        wanted = receipt if by == "TransactionID" else "payout-1"
        assert ask_status(merchant, **{by: wanted}).json()["ResponseCode"] == "0"
        callback = result_of(merchant, 2)
        assert callback.json["Result"]["TransactionID"].endswith("0000000")
        details = parameters(callback)
        assert details["TransactionStatus"] == "Completed"
        assert details["ReceiptNo"] == receipt
        assert details["DebitPartyCharges"] == "Fee For B2C Payment|KES|5.00"
        assert details["OriginatorConversationID"] == "payout-1"
        assert details["TransactionReason"] is None

    def test_a_failed_payout_is_declined(self, merchant: Merchant) -> None:
        payout(merchant, Amount=9)
        result_of(merchant)
        ask_status(merchant, OriginalConversationID="payout-1")
        assert parameters(result_of(merchant, 2))["TransactionStatus"] == "Declined"

    def test_nothing_to_look_up_is_code_25(self, merchant: Merchant) -> None:
        ask_status(merchant, OriginalConversationID="never-sent")
        result = result_of(merchant).json["Result"]
        assert result["ResultCode"] == 25
        assert "ResultParameters" not in result

    def test_keys_with_spaces(self, merchant: Merchant) -> None:
        merchant.control("PUT", "/behaviour", {"spaced_keys": True})
        payout(merchant)
        result_of(merchant)
        ask_status(merchant, OriginalConversationID="payout-1")
        assert "Originator Conversation ID" in parameters(result_of(merchant, 2))

    def test_an_invalid_token_has_the_code_of_its_family(self, merchant: Merchant) -> None:
        merchant.token = "stale"
        answer = ask_status(merchant, TransactionID="UKN0000001")
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "400.003.01")


class TestBalance:
    def ask(self, merchant: Merchant, **changes: Any) -> Callback:
        body = {
            "Initiator": "initiator",
            "SecurityCredential": credential(merchant),
            "CommandID": "AccountBalance",
            "PartyA": SHORTCODE,
            "IdentifierType": "4",
            "Remarks": "Float",
            **urls(merchant),
            **changes,
        }
        before = len(merchant.listener.at(RESULT))
        assert merchant.post("/mpesa/accountbalance/v1/query", body).status_code == 200
        return result_of(merchant, before + 1)

    def test_it_agrees_with_the_books(self, merchant: Merchant) -> None:
        payout(merchant)
        result_of(merchant)
        text = parameters(self.ask(merchant))["AccountBalance"]
        accounts = {part.split("|")[0]: part.split("|")[1:] for part in text.split("&")}
        assert accounts["Utility Account"] == ["KES", "998500.00", "998500.00", "0.00", "0.00"]
        assert accounts["Charges Paid Account"][1] == "-5.00"
        assert len(accounts) == 5

    def test_a_failure_has_one_parameter_as_an_object(self, merchant: Merchant) -> None:
        merchant.control("PUT", "/behaviour", {"parameters_form": "object"})
        result = self.ask(merchant, PartyA="600000").json["Result"]
        assert result["ResultCode"] == 2028
        assert result["ResultParameters"]["ResultParameter"]["Key"] == "BOCompletedTime"


class TestReversal:
    def deposit(self, merchant: Merchant) -> str:
        merchant.push()
        receipt: str = merchant.answer_prompt({"pin": "1234"})["receipt"]
        return receipt

    def test_the_payer_gets_the_money_back_once(self, merchant: Merchant) -> None:
        receipt = self.deposit(merchant)
        reverse(merchant, receipt, 500)
        result = result_of(merchant)
        assert result.json["Result"]["ResultCode"] == 0
        assert parameters(result)["OriginalTransactionID"] == receipt
        assert result.json["Result"]["TransactionID"] != receipt
        reverse(merchant, receipt, 500)
        assert result_of(merchant, 2).json["Result"]["ResultCode"] == "R000001"
        books = merchant.control("GET", "/books")
        assert books["customers"][PAYER]["balance"] == "10000.00"
        assert books["organisation"]["utility"] == "1000000.00"
        assert books["imbalance"] == "0.00"

    def test_a_payout_or_unknown_receipt_is_invalid(self, merchant: Merchant) -> None:
        payout(merchant)
        receipt = result_of(merchant).json["Result"]["TransactionID"]
        for number, wanted in enumerate((receipt, "UKN0000001"), start=2):
            reverse(merchant, wanted, 1500)
            assert result_of(merchant, number).json["Result"]["ResultCode"] == "R000002"

    def test_an_empty_utility_reverses_nothing(self, merchant: Merchant) -> None:
        receipt = self.deposit(merchant)
        merchant.control("PUT", "/books", {"utility": "499.99"})
        reverse(merchant, receipt, 500)
        assert result_of(merchant).json["Result"]["ResultCode"] == 1
