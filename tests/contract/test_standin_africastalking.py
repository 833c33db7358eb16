"""Africa's Talking's SMS side of the stand-in: the SDK outwards, form posts inwards."""

from typing import Any

import pytest
import requests
from africastalking.Service import AfricasTalkingException
from africastalking.SMS import SMSService

from standin.server import Server
from tests.contract.conftest import AT_KEY
from tests.contract.fake_product import FakeProduct, eventually

PHONE = "254712345678"
NUMBER = f"+{PHONE}"


def sdk(standin: Server, key: str = AT_KEY) -> SMSService:
    service = SMSService("sandbox-like", key)
    service._username = "sandbox"
    service._baseUrl = f"{standin.url}/at/version1"
    return service


def inbox(standin: Server, phone: str = PHONE) -> list[Any]:
    return list(requests.get(f"{standin.url}/handset/{phone}/inbox", timeout=5).json())


def text_to(standin: Server, to: str, text: str) -> requests.Response:
    return requests.post(
        f"{standin.url}/handset/{PHONE}/sms", json={"to": to, "text": text}, timeout=5
    )


def fault(standin: Server, **rule: object) -> None:
    standin.world.faults.load({"rules": [rule]})


def statuses(product: FakeProduct) -> list[str]:
    return [report.form["status"] for report in product.of("sms-reports")]


def test_the_sdk_sends_to_an_inbox_and_gets_a_dict_back(standin: Server) -> None:
    answer = sdk(standin).send("Salio yako ni Ksh1.00", [NUMBER], "CYCLE")
    assert answer["SMSMessageData"]["Message"] == "Sent to 1/1 Total Cost: KES 0.8000"
    (recipient,) = answer["SMSMessageData"]["Recipients"]
    assert recipient["statusCode"] == 101
    assert recipient["status"] == "Success"
    assert recipient["cost"] == "KES 0.8000"
    assert recipient["messageId"].startswith("ATXid_")
    assert len(recipient["messageId"]) == len("ATXid_") + 32
    (message,) = inbox(standin)
    assert (message["from"], message["text"]) == ("CYCLE", "Salio yako ni Ksh1.00")


def test_an_enqueued_message_says_success_with_another_code(standin: Server) -> None:
    answer = sdk(standin).send("Hello", [NUMBER], enqueue=True)
    (recipient,) = answer["SMSMessageData"]["Recipients"]
    assert (recipient["statusCode"], recipient["status"]) == (102, "Success")
    assert inbox(standin)[0]["from"] == "AFRICASTKNG"


def test_several_recipients_are_judged_one_by_one(standin: Server) -> None:
    answer = sdk(standin).send("Hello", [NUMBER, "+1234"], "CYCLE")
    assert [r["statusCode"] for r in answer["SMSMessageData"]["Recipients"]] == [101, 403]
    assert answer["SMSMessageData"]["Recipients"][1]["messageId"] == "None"
    assert answer["SMSMessageData"]["Message"].startswith("Sent to 1/2 ")


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("x" * 160, "KES 0.8000"),
        ("x" * 161, "KES 1.6000"),
        ("{" * 81, "KES 1.6000"),
        ("✓" * 70, "KES 0.8000"),
        ("✓" * 71, "KES 1.6000"),
    ],
)
def test_cost_follows_the_parts(standin: Server, text: str, cost: str) -> None:
    answer = sdk(standin).send(text, [NUMBER], "CYCLE")
    assert answer["SMSMessageData"]["Recipients"][0]["cost"] == cost


def test_an_unknown_sender_is_201_without_recipients(standin: Server) -> None:
    answer = sdk(standin).send("Hello", [NUMBER], "NOBODY")
    assert answer == {"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}}
    assert inbox(standin) == []


def test_a_wrong_key_is_401_in_plain_text(standin: Server) -> None:
    with pytest.raises(AfricasTalkingException, match="authentication is invalid"):
        sdk(standin, key="wrong").send("Hello", [NUMBER])
    response = requests.post(
        f"{standin.url}/at/version1/messaging", data={"username": "sandbox"}, timeout=5
    )
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Basic"


def test_without_credit_nothing_goes_out(standin: Server) -> None:
    requests.put(f"{standin.url}/settings", json={"at_balance": "0.79"}, timeout=5)
    answer = sdk(standin).send("Hello", [NUMBER])
    assert answer["SMSMessageData"]["Recipients"][0]["statusCode"] == 405
    balance = requests.get(
        f"{standin.url}/at/version1/user",
        params={"username": "sandbox"},
        headers={"apiKey": AT_KEY},
        timeout=5,
    )
    assert balance.json() == {"UserData": {"balance": "KES 0.7900"}}


def test_a_message_is_reported_sent_and_then_delivered(
    standin: Server, product: FakeProduct
) -> None:
    answer = sdk(standin).send("Hello", [NUMBER])
    eventually(lambda: statuses(product) == ["Sent", "Success"], "both reports")
    assert product.of("sms-reports")[0].form == {
        "id": answer["SMSMessageData"]["Recipients"][0]["messageId"],
        "status": "Sent",
        "phoneNumber": NUMBER,
        "networkCode": "63902",
    }


def test_a_phone_that_is_off_fails_with_a_reason(standin: Server, product: FakeProduct) -> None:
    standin.world.books.customer(PHONE).reachable = False
    sdk(standin).send("Hello", [NUMBER])
    eventually(
        lambda: statuses(product) == ["Sent", "Submitted", "Buffered", "Failed"], "all reports"
    )
    assert product.of("sms-reports")[-1].form["failureReason"] == "DeliveryFailure"
    assert inbox(standin) == []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("reorder", ["Success", "Sent"]),
        ("duplicate", ["Sent", "Sent", "Success", "Success"]),
        ("parallel_duplicate", ["Sent", "Sent", "Success", "Success"]),
        ("early", ["Sent", "Success"]),
        ("refuse", ["Sent", "Submitted", "Buffered", "Failed"]),
    ],
)
def test_reports_can_come_wrongly(
    standin: Server, product: FakeProduct, kind: str, expected: list[str]
) -> None:
    fault(standin, at="at.report", do=kind)
    sdk(standin).send("Hello", [NUMBER])
    eventually(lambda: len(statuses(product)) == len(expected), f"{len(expected)} reports")
    assert statuses(product) == expected


@pytest.mark.parametrize(("code", "recipients"), [(402, 0), (406, 1), (500, 1), (None, 1)])
def test_a_message_can_be_refused(standin: Server, code: int | None, recipients: int) -> None:
    fault(standin, at="at.send", do="refuse", times=1, **({} if code is None else {"code": code}))
    answer = sdk(standin).send("Hello", [NUMBER])["SMSMessageData"]
    assert len(answer["Recipients"]) == recipients
    assert all(r["statusCode"] == (code or 403) for r in answer["Recipients"])
    assert inbox(standin) == []


@pytest.mark.parametrize(("kind", "delivered"), [("drop", 0), ("lose_reply", 1)])
def test_a_cut_connection_leaves_the_sender_in_doubt(
    standin: Server, kind: str, delivered: int
) -> None:
    fault(standin, at="at.send", do=kind, times=1)
    with pytest.raises(requests.ConnectionError):
        sdk(standin).send("Hello", [NUMBER])
    assert len(inbox(standin)) == delivered


@pytest.mark.parametrize("kind", ["error500", "html503"])
def test_an_outage_raises_in_the_sdk(standin: Server, kind: str) -> None:
    fault(standin, at="at.send", do=kind, times=1)
    with pytest.raises(AfricasTalkingException):
        sdk(standin).send("Hello", [NUMBER])
    assert inbox(standin) == []


def test_an_sms_to_the_short_code_is_posted(standin: Server, product: FakeProduct) -> None:
    assert text_to(standin, "22929", "SALIO").status_code == 202
    eventually(lambda: product.of("sms"), "the inbound SMS")
    form = product.of("sms")[0].form
    assert form["from"] == NUMBER
    assert (form["to"], form["text"], form["networkCode"]) == ("22929", "SALIO", "63902")
    assert form["id"]
    assert form["linkId"]


def test_dates_of_inbound_messages_come_in_three_spellings(
    standin: Server, product: FakeProduct
) -> None:
    for number in range(3):
        text_to(standin, "22929", str(number))
    eventually(lambda: len(product.of("sms")) == 3, "three messages")
    dates = {m.form["text"]: m.form["date"] for m in product.of("sms")}
    assert dates["0"].endswith("Z")
    assert len(dates["1"]) == len("2017-05-03 06:04:45")
    assert len(dates["2"]) == len("2017-05-03 06:04:45.123")


def test_an_sms_comes_again_until_it_is_answered_200(standin: Server, product: FakeProduct) -> None:
    product.statuses = [500, 404]
    text_to(standin, "22929", "SALIO")
    eventually(lambda: len(product.of("sms")) == 3, "two retries")
    assert len({m.form["id"] for m in product.of("sms")}) == 1


@pytest.mark.parametrize(
    ("kind", "copies"),
    [("duplicate", 2), ("parallel_duplicate", 2), ("lose_reply", 2), ("drop", 1), ("late", 1)],
)
def test_inbound_messages_can_come_wrongly(
    standin: Server, product: FakeProduct, kind: str, copies: int
) -> None:
    fault(standin, at="at.sms", do=kind, times=1, seconds=0.1)
    text_to(standin, "22929", "SALIO")
    eventually(lambda: len(product.of("sms")) == copies, f"{copies} deliveries")
    assert len({m.form["id"] for m in product.of("sms")}) == 1


def test_inbound_messages_can_overtake_each_other(standin: Server, product: FakeProduct) -> None:
    fault(standin, at="at.sms", do="reorder", times=1, seconds=5)
    text_to(standin, "22929", "first")
    text_to(standin, "22929", "second")
    eventually(lambda: len(product.of("sms")) == 2, "both messages")
    assert [m.form["text"] for m in product.of("sms")] == ["second", "first"]


def test_a_text_to_another_phone_just_arrives(standin: Server, product: FakeProduct) -> None:
    text_to(standin, "0722 000 111", "Niaje")
    assert inbox(standin, "254722000111")[0]["text"] == "Niaje"
    assert text_to(standin, "999", "Niaje").status_code == 404
    assert product.received == []


def test_opting_out_is_posted_and_blocks_until_opting_in(
    standin: Server, product: FakeProduct
) -> None:
    route = f"{standin.url}/handset/{PHONE}/opt-out"
    requests.post(route, json={}, timeout=5)
    eventually(lambda: product.of("opt-outs"), "the opt-out")
    assert product.of("opt-outs")[0].form == {"senderId": "CYCLE", "phoneNumber": NUMBER}
    answer = sdk(standin).send("Hello", [NUMBER])
    assert answer["SMSMessageData"]["Recipients"][0]["statusCode"] == 406
    requests.delete(route, timeout=5)
    answer = sdk(standin).send("Hello", [NUMBER])
    assert answer["SMSMessageData"]["Recipients"][0]["statusCode"] == 101


def test_the_operators_code_stops_bulk_sms_and_lets_them_through_again(
    standin: Server, product: FakeProduct
) -> None:
    def dial() -> str:
        body = {"input": "*456*9*5#"}
        url = f"{standin.url}/handset/{PHONE}/dial"
        return str(requests.post(url, json=body, timeout=5).json()["screen"])

    codes, screens = [], []
    for _ in range(2):
        screens.append(dial())
        answer = sdk(standin).send("Hello", [NUMBER])
        codes.append(answer["SMSMessageData"]["Recipients"][0]["statusCode"])

    assert codes == [406, 101]
    assert screens == ["You will get no more bulk SMS.", "You will get bulk SMS again."]
    eventually(lambda: product.of("opt-outs"), "the opt-out")


def test_the_product_can_move_while_the_standin_runs(standin: Server, product: FakeProduct) -> None:
    requests.put(
        f"{standin.url}/settings",
        json={"product_url": f"{product.url}/elsewhere/", "at_key": "other"},
        timeout=5,
    )
    text_to(standin, "22929", "SALIO")
    eventually(lambda: product.received, "the SMS at the new address")
    assert product.received[0].path == "/elsewhere/at/other/sms"
    wrong = requests.put(f"{standin.url}/settings", json={"colour": "blue"}, timeout=5)
    assert wrong.status_code == 400
