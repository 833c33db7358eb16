"""The first real path over HTTP only: join, deposit, receipt, balance; and what goes wrong."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.e2e.handset import Handset
from tests.e2e.stack import Running, wait_until

pytestmark = pytest.mark.xdist_group("story")

_numbers = count(254_712_000_001)


@pytest.fixture
def phone(up: Running) -> Handset:
    return Handset(up, str(next(_numbers)))


@pytest.fixture
def member(phone: Handset) -> Handset:
    assert phone.register().startswith("Welcome Jane!")
    return phone


def test_a_trader_joins_deposits_and_sees_the_balance(up: Running, phone: Handset) -> None:
    assert "Karibu" in phone.dial()
    assert phone.register().startswith("Welcome Jane!")
    assert "Ksh500.00" in phone.dial("2", "500")
    prompt = phone.prompt()
    assert prompt["amount"] == "500.00"
    assert len(prompt["reference"]) <= 12
    phone.answer_prompt()
    receipt = phone.wait_for_sms("deposited from M-PESA")
    payment = phone.payment()
    assert payment["mpesa_receipt"] in receipt
    assert receipt.split()[:2][1] == "Confirmed."
    assert "New balance is Ksh500.00" in receipt
    assert "Ksh500.00" in phone.balance()
    assert phone.mpesa_balance() == "9500.00"
    # The delivery report came back, and both books agree.
    wait_until(
        lambda: (
            up.rows(
                "SELECT state FROM outbox WHERE payment_id = %s AND template = 'deposit_received'",
                payment["id"],
            )
            == [{"state": "delivered"}]
        )
    )
    books = requests.get(f"{up.where['standin']}/books", timeout=5).json()
    paid = [p for p in books["payments"] if p["receipt"] == payment["mpesa_receipt"]]
    assert [p["amount"] for p in paid] == ["500.00"]


@pytest.mark.parametrize(
    ("answer", "purse"),
    [({"cancel": True}, "10000.00"), ({"pin": "9999"}, "10000.00"), ({"pin": "1234"}, "10.00")],
    ids=["cancelled", "wrong M-Pesa PIN", "insufficient funds"],
)
def test_a_deposit_that_fails_says_that_no_money_moved(
    up: Running, member: Handset, answer: dict[str, Any], purse: str
) -> None:
    member.change(mpesa_balance=purse)
    member.dial("2", "500")
    member.answer_prompt(**answer)
    member.wait_for_sms("No money has moved")
    assert "Ksh0.00" in member.balance()
    assert member.mpesa_balance() == purse
    assert member.payment()["state"] == "failed"


def _callback(up: Running, member: Handset) -> tuple[str, dict[str, Any]]:
    """Deposit 500; return the token and the callback's body as Safaricom posted it."""
    member.dial("2", "500")
    member.answer_prompt()
    member.wait_for_sms("deposited from M-PESA")
    token = member.payment()["token"]
    stored = up.rows("SELECT body FROM mpesa_callbacks WHERE token = %s ORDER BY id LIMIT 1", token)
    return token, json.loads(bytes(stored[0]["body"]))


def _post(up: Running, token: str, body: object) -> int:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"{up.where['web']}/hooks/stk/{token}"
    return requests.post(url, data=data, timeout=10).status_code


def _states(up: Running, token: str) -> Counter[str]:
    query = "SELECT state FROM mpesa_callbacks WHERE token = %s"
    return Counter(row["state"] for row in up.rows(query, token))


def test_the_same_callback_ten_times_credits_once_and_sends_one_sms(
    up: Running, member: Handset
) -> None:
    token, body = _callback(up, member)
    sequential = [_post(up, token, body) for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        parallel = list(pool.map(lambda _: _post(up, token, body), range(5)))
    assert sequential + parallel == [200] * 10
    wait_until(lambda: _states(up, token) == {"processed": 11})
    assert "Ksh500.00" in member.balance()
    assert sum("deposited" in text for text in member.inbox()) == 1


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"Body": 1}', b"\xff\xfe", b"x" * 70_000]
)
def test_a_callback_that_can_not_be_read_is_kept_and_credits_nothing(
    up: Running, body: bytes
) -> None:
    token = uuid4().hex
    assert _post(up, token, body) == 200
    wait_until(lambda: _states(up, token).keys() <= {"quarantined", "unreadable"})
    assert _states(up, token).total() == 1


def test_the_books_agree_after_all_of_this(up: Running) -> None:
    sums = up.rows(
        "SELECT coalesce(sum(CASE direction WHEN 'D' THEN amount ELSE -amount END), 0)::text AS s"
        " FROM postings",
    )
    assert sums == [{"s": "0"}]
    wallets = up.rows("SELECT min(balance) AS least FROM accounts WHERE id >= 1000")
    assert wallets[0]["least"] >= 0
