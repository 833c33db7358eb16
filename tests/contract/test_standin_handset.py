"""A phone in the stand-in speaks Africa's Talking's USSD wire to whatever product there is."""

from typing import Any

import pytest
import requests

from standin.server import Server
from tests.contract.daraja_side import Merchant
from tests.contract.fake_product import FakeProduct, Reply, eventually

PHONE = "254712345678"
FIVE_FIELDS = {"sessionId", "phoneNumber", "networkCode", "serviceCode", "text"}


def call(standin: Server, route: str, body: object = None, method: str = "POST") -> Any:
    url = f"{standin.url}/handset/{PHONE}{route}"
    response = requests.request(method, url, json=body, timeout=15)
    assert response.ok, response.text
    return response.json()


def dial(standin: Server, dialled: str = "*384*2929#", **more: str) -> Any:
    return call(standin, "/dial", {"input": dialled, **more})


def reply(standin: Server, typed: str) -> Any:
    return call(standin, "/reply", {"input": typed})


def texts(product: FakeProduct) -> list[str]:
    return [received.form["text"] for received in product.of("ussd")]


def fault(standin: Server, **rule: object) -> None:
    standin.world.faults.load({"rules": [rule]})


def test_dialling_posts_exactly_five_fields_and_shows_the_screen(
    standin: Server, product: FakeProduct
) -> None:
    product.ussd = lambda form: Reply("CON Karibu\n1. Salio")
    shown = dial(standin)
    assert (shown["screen"], shown["open"]) == ("Karibu\n1. Salio", True)
    (first,) = product.of("ussd")
    assert first.form.keys() == FIVE_FIELDS
    assert first.form["phoneNumber"] == "+254712345678"
    assert first.form["networkCode"] == "63902"
    assert first.form["serviceCode"] == "*384*2929#"
    assert first.form["text"] == ""
    assert first.form["sessionId"].startswith("ATUid_")
    assert first.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_replies_are_joined_with_stars_in_one_session(
    standin: Server, product: FakeProduct
) -> None:
    dial(standin)
    for typed in ("1", "1", "*", "", "jane@x"):
        reply(standin, typed)
    assert texts(product) == ["", "1", "1*1", "1*1**", "1*1***", "1*1****jane¡x"]
    assert len({r.form["sessionId"] for r in product.of("ussd")}) == 1


@pytest.mark.parametrize(
    ("shape", "service_code", "text"),
    [
        ("tokens", "*384*2929#", "2*500"),
        ("empty", "*384*2929#", ""),
        ("dialled", "*384*2929#", "*384*2929*2*500#"),
        ("service_code", "*384*2929*2*500#", ""),
    ],
)
def test_long_dial_strings_arrive_in_any_recorded_shape(
    standin: Server, product: FakeProduct, shape: str, service_code: str, text: str
) -> None:
    dial(standin, "*384*2929*2*500#", shape=shape)
    (first,) = product.of("ussd")
    assert (first.form["serviceCode"], first.form["text"]) == (service_code, text)


@pytest.mark.parametrize("dialled", ["*100#", "*384*29299#", "0712345678", "*384*2929"])
def test_another_code_never_reaches_the_product(
    standin: Server, product: FakeProduct, dialled: str
) -> None:
    shown = dial(standin, dialled)
    assert (shown["screen"], shown["open"]) == ("Connection problem or invalid MMI code.", False)
    assert product.received == []


@pytest.mark.parametrize(
    "bad",
    [
        Reply("Karibu"),
        Reply(" CON Karibu"),
        Reply(""),
        Reply("CON Karibu", status=500),
        Reply("CON Karibu", content_type="text/html"),
    ],
)
def test_an_answer_against_the_protocol_shows_technical_problems(
    standin: Server, product: FakeProduct, bad: Reply
) -> None:
    product.ussd = lambda form: bad
    shown = dial(standin)
    assert "technical problems" in shown["screen"]
    assert (shown["open"], shown["status"]) == (False, "Failed")
    eventually(lambda: product.of("ussd-events"), "the event of the failed session")
    assert product.of("ussd-events")[0].form["errorMessage"]


def test_an_answer_after_the_deadline_is_no_answer(standin: Server, product: FakeProduct) -> None:
    standin.world.behaviour.change({"ussd_deadline_seconds": 0.2})
    product.ussd = lambda form: Reply(seconds=0.6)
    assert dial(standin)["status"] == "Failed"


def test_end_closes_the_session_and_is_reported(standin: Server, product: FakeProduct) -> None:
    product.ussd = lambda form: Reply(
        "CON More?" if not form["text"] else "END Bye",
        headers={"at-ussd-hop-metadata": "home" if not form["text"] else "bye"},
    )
    dial(standin)
    shown = reply(standin, "1")
    assert (shown["screen"], shown["open"]) == ("Bye", False)
    eventually(lambda: product.of("ussd-events"), "the event of the session")
    event = product.of("ussd-events")[0].form
    assert event["status"] == "Success"
    assert event["hopsCount"] == "2"
    assert event["input"] == "1"
    assert event["hopsMetadata"] == "home|bye"
    assert product.of("ussd")[1].headers["at-ussd-hop-metadata"] == "home"


def test_hanging_up_reports_an_incomplete_session(standin: Server, product: FakeProduct) -> None:
    dial(standin)
    assert call(standin, "/hangup")["open"] is False
    eventually(lambda: product.of("ussd-events"), "the event of the session")
    assert product.of("ussd-events")[0].form["status"] == "Incomplete"


def test_a_phone_left_alone_times_out(standin: Server, product: FakeProduct) -> None:
    standin.world.behaviour.change({"ussd_idle_seconds": 0.1})
    dial(standin)
    eventually(lambda: not call(standin, "/session", method="GET")["open"], "the time-out")
    eventually(lambda: product.of("ussd-events"), "the event of the session")
    assert product.of("ussd-events")[0].form["status"] == "Incomplete"


def test_dialling_again_ends_the_session_before(standin: Server, product: FakeProduct) -> None:
    first = dial(standin)["session_id"]
    second = dial(standin)["session_id"]
    assert first != second
    eventually(lambda: product.of("ussd-events"), "the event of the first session")
    assert product.of("ussd-events")[0].form["sessionId"] == first


def test_a_reply_without_a_session_is_refused(standin: Server) -> None:
    response = requests.post(
        f"{standin.url}/handset/{PHONE}/reply", json={"input": "1"}, timeout=15
    )
    assert response.status_code == 409


@pytest.mark.parametrize("number", ["712345678", "0712345678", "25471234567", "255712345678"])
def test_only_kenyan_mobiles_are_phones(standin: Server, number: str) -> None:
    response = requests.post(
        f"{standin.url}/handset/{number}/dial", json={"input": "*384*2929#"}, timeout=15
    )
    assert response.status_code == 404


def test_the_screen_holds_what_the_network_carries(standin: Server, product: FakeProduct) -> None:
    product.ussd = lambda form: Reply("CON 12 " + "x" * 300)
    assert len(dial(standin)["screen"]) == 160
    product.ussd = lambda form: Reply("CON Café ✓ {", content_type="text/plain; charset=utf-8")
    assert dial(standin)["screen"] == "Café ? {"


@pytest.mark.parametrize("kind", ["duplicate", "parallel_duplicate"])
def test_a_hop_can_arrive_several_times(standin: Server, product: FakeProduct, kind: str) -> None:
    dial(standin)
    fault(standin, at="at.ussd", do=kind, times=1, copies=3)
    assert reply(standin, "1")["open"] is True
    assert texts(product) == ["", "1", "1", "1"]


def test_a_hop_can_come_late_a_second_time(standin: Server, product: FakeProduct) -> None:
    fault(standin, at="at.ussd", do="late", times=1, seconds=0.2)
    dial(standin)
    reply(standin, "1")
    eventually(lambda: len(texts(product)) == 3, "the late twin of the first hop")
    assert texts(product) == ["", "1", ""]


def test_a_hop_can_be_lost_on_the_way_there(standin: Server, product: FakeProduct) -> None:
    dial(standin)
    fault(standin, at="at.ussd", do="drop", times=1)
    assert reply(standin, "1")["open"] is False
    assert texts(product) == [""]


def test_a_hop_can_be_lost_on_the_way_back(standin: Server, product: FakeProduct) -> None:
    dial(standin)
    fault(standin, at="at.ussd", do="lose_reply", times=1)
    assert reply(standin, "1")["open"] is False
    assert texts(product) == ["", "1"]
    eventually(lambda: product.of("ussd-events"), "the event of the lost session")
    assert product.of("ussd-events")[0].form["status"] == "Incomplete"


def test_slow_phones_do_not_hold_up_others(standin: Server, product: FakeProduct) -> None:
    standin.world.faults.load(
        {"rules": [{"at": "at.ussd", "do": "slow", "seconds": 3, "msisdn": "254711111111"}]}
    )
    slow = f"{standin.url}/handset/254711111111/dial"
    with pytest.raises(requests.ReadTimeout):
        requests.post(slow, json={"input": "*384*2929#"}, timeout=0.2)
    assert requests.post(slow.replace("dial", "reply"), json={"input": "1"}, timeout=1).ok is False
    assert dial(standin)["open"] is True


def test_a_phone_in_a_session_can_not_show_a_prompt(
    standin: Server, product: FakeProduct, shop: Merchant
) -> None:
    dial(standin)
    shop.push()
    path = "/hooks/stk/a-long-token-of-a-payment"
    eventually(lambda: shop.listener.at(path), "the callback")
    assert shop.listener.at(path)[0].json["Body"]["stkCallback"]["ResultCode"] == 1001
    assert call(standin, "/prompts", method="GET") == []
    call(standin, "/hangup")
    shop.push()
    assert len(call(standin, "/prompts", method="GET")) == 1
