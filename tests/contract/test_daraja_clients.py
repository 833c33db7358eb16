"""The product's own Daraja clients against the stand-in: each API, each outcome."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from redis import Redis

from jobs.clients.mpesa import (
    account_balance,
    b2c,
    c2b,
    pull,
    reversal,
    stk_push,
    stk_query,
    transaction_status,
)
from jobs.clients.mpesa.account import DarajaAccount, ResultUrls
from jobs.clients.mpesa.outcomes import Answer, Outcome
from jobs.clients.mpesa.transport import Daraja
from standin.server import Server
from tests.contract.daraja_side import PAYER, SHORTCODE, Merchant
from tests.contract.fake_product import eventually

RESULT, TIMEOUT = "/hooks/b2c/token-of-a-payout/result", "/hooks/b2c/token-of-a-payout/timeout"


@pytest.fixture
def daraja(standin_server: Server, merchant: Merchant, redis_client: Redis) -> Iterator[Daraja]:
    certificate = requests.get(f"{standin_server.url}/daraja/certificate.pem", timeout=5).text
    account = DarajaAccount(
        base_url=f"{standin_server.url}/daraja",
        consumer_key="key",
        consumer_secret="secret",
        shortcode=SHORTCODE,
        passkey="passkey",
        payout_shortcode=SHORTCODE,
        initiator_name="initiator",
        initiator_password="password",
        certificate=certificate,
        connect_timeout_seconds=2,
        read_timeout_seconds=1,
    )
    return Daraja(account, redis_client)


def urls(merchant: Merchant) -> ResultUrls:
    base = merchant.listener.url
    return ResultUrls(result=f"{base}{RESULT}", timeout=f"{base}{TIMEOUT}")


def push(daraja: Daraja, merchant: Merchant, **changes: Any) -> Answer:
    return stk_push.push(
        daraja,
        **{
            "amount_cents": 500_00,
            "msisdn": f"+{PAYER}",
            "account_reference": "ABCD234567",
            "description": "Deposit",
            "callback_url": f"{merchant.listener.url}/hooks/stk/token-of-a-payment",
            **changes,
        },
    )


def pay(daraja: Daraja, merchant: Merchant, originator: str = "payout-1") -> Answer:
    return b2c.pay(
        daraja,
        originator_conversation_id=originator,
        amount_cents=1500_00,
        msisdn=f"+{PAYER}",
        remarks="Withdrawal",
        urls=urls(merchant),
    )


def result(merchant: Merchant, number: int = 1) -> Any:
    eventually(lambda: len(merchant.listener.at(RESULT)) >= number, f"result {number}")
    return merchant.listener.at(RESULT)[number - 1].json["Result"]


def test_a_push_is_accepted_and_its_query_has_a_verdict(daraja: Daraja, merchant: Merchant) -> None:
    answer = push(daraja, merchant)
    assert answer.outcome is Outcome.ACCEPTED
    checkout = str(answer.field_text("CheckoutRequestID"))
    assert stk_query.verdict(stk_query.query(daraja, checkout)) is None
    merchant.control("PUT", "/behaviour", {"query_style": "classic"})
    assert stk_query.verdict(stk_query.query(daraja, checkout)) is None
    merchant.answer_prompt({"pin": "1234"})
    assert stk_query.verdict(stk_query.query(daraja, checkout)) == stk_query.PromptVerdict(
        "0", "The service request is processed successfully."
    )


def test_an_open_prompt_refuses_the_next_for_now(daraja: Daraja, merchant: Merchant) -> None:
    push(daraja, merchant)
    second = push(daraja, merchant, amount_cents=501_00)
    assert (second.outcome, second.temporary) == (Outcome.REFUSED, True)


def test_a_payout_is_accepted_once_and_duplicate_after(daraja: Daraja, merchant: Merchant) -> None:
    assert pay(daraja, merchant).outcome is Outcome.ACCEPTED
    assert pay(daraja, merchant).outcome is Outcome.DUPLICATE
    assert result(merchant)["ResultCode"] == 0


def test_status_balance_and_reversal_are_accepted_and_answered(
    daraja: Daraja, merchant: Merchant
) -> None:
    push(daraja, merchant)
    receipt = merchant.answer_prompt({"pin": "1234"})["receipt"]
    asked = transaction_status.ask(daraja, urls=urls(merchant), receipt=receipt)
    assert asked.outcome is Outcome.ACCEPTED
    assert result(merchant, 1)["ResultCode"] == 0
    balance = account_balance.ask(daraja, shortcode=SHORTCODE, urls=urls(merchant))
    assert balance.outcome is Outcome.ACCEPTED
    assert result(merchant, 2)["ResultCode"] == 0
    back = reversal.reverse(daraja, receipt=receipt, amount_cents=500_00, urls=urls(merchant))
    assert back.outcome is Outcome.ACCEPTED
    assert result(merchant, 3)["ResultCode"] == 0
    assert merchant.control("GET", f"/handset/{PAYER}")["mpesa_balance"] == "10000.00"


def test_paybill_urls_are_registered_and_simulated_payments_confirmed(
    daraja: Daraja, merchant: Merchant
) -> None:
    base = merchant.listener.url
    registered = c2b.register(
        daraja,
        confirmation_url=f"{base}/hooks/c2b/key/confirm",
        validation_url=f"{base}/hooks/c2b/key/validate",
    )
    assert registered.outcome is Outcome.ACCEPTED
    paid = c2b.simulate(daraja, amount_cents=10_00, msisdn=f"+{PAYER}", account_number="0712")
    assert paid.outcome is Outcome.ACCEPTED
    eventually(lambda: merchant.listener.at("/hooks/c2b/key/confirm"), "confirmation")
    merchant.control("PUT", "/behaviour", {"one_time_urls": True})
    again = c2b.register(
        daraja, confirmation_url=f"{base}/hooks/c/confirm", validation_url=f"{base}/hooks/c/v"
    )
    assert again.outcome is Outcome.REFUSED


@pytest.mark.parametrize("offset", ["row", "page"])
def test_pull_reads_all_pages(daraja: Daraja, merchant: Merchant, offset: str) -> None:
    pull.register(daraja, nominated_number=PAYER, callback_url=merchant.listener.url)
    receipts = {
        merchant.control(
            "POST", f"/handset/{PAYER}/paybill", {"amount": str(10 + n), "account": "0712345678"}
        )["receipt"]
        for n in range(7)
    }
    merchant.control("PUT", "/behaviour", {"pull_page_size": 2, "pull_offset": offset})
    now = datetime.now(UTC)
    window = pull.pull_window(daraja, now - timedelta(hours=1), now + timedelta(minutes=1))
    assert {row.receipt for row in window.transactions} == receipts
    assert window.proven
    amounts = sorted(row.amount_cents or 0 for row in window.transactions)
    assert amounts == [(10 + n) * 100 for n in range(7)]


def test_pull_proves_nothing_when_it_is_empty(daraja: Daraja, merchant: Merchant) -> None:
    pull.register(daraja, nominated_number=PAYER, callback_url=merchant.listener.url)
    now = datetime.now(UTC)
    window = pull.pull_window(daraja, now - timedelta(hours=1), now)
    assert (window.transactions, window.proven, window.code) == ([], False, "1001")


def test_many_workers_share_one_token(
    daraja: Daraja, merchant: Merchant, standin_server: Server
) -> None:
    merchant.control("DELETE", "/requests")

    def ask(number: int) -> Answer:
        return push(daraja, merchant, msisdn=f"+2547110000{number:02d}")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(24)))
    assert {answer.outcome for answer in answers} == {Outcome.ACCEPTED}
    assert len(standin_server.world.requests.entries("oauth")) == 1


@pytest.mark.parametrize(
    ("do", "outcome", "payouts"),
    [
        ("refuse", Outcome.REFUSED, 0),
        ("spike", Outcome.REFUSED, 0),
        ("quota", Outcome.REFUSED, 0),
        ("error500", Outcome.UNKNOWN, 0),
        ("html503", Outcome.UNKNOWN, 0),
        ("soap409", Outcome.UNKNOWN, 0),
        ("empty", Outcome.UNKNOWN, 0),
        ("drop", Outcome.UNKNOWN, 0),
        ("lose_reply", Outcome.UNKNOWN, 1),
        ("slow", Outcome.UNKNOWN, 1),
        ("string_types", Outcome.ACCEPTED, 1),
        ("expired_token", Outcome.ACCEPTED, 1),
    ],
)
def test_each_fault_of_a_payout_has_its_outcome_and_no_second_send(
    daraja: Daraja,
    merchant: Merchant,
    standin_server: Server,
    do: str,
    outcome: Outcome,
    payouts: int,
) -> None:
    rule = {"at": "b2c.sync", "do": do, "times": 1, "seconds": 1.3}
    merchant.control("PUT", "/faults", {"rules": [rule]})
    assert pay(daraja, merchant).outcome is outcome
    # A refused token is the only refusal after which the client may send again.
    calls = len(standin_server.world.requests.entries("b2c.sync"))
    assert calls == (2 if do == "expired_token" else 1)
    assert len(merchant.control("GET", "/books")["payments"]) == payouts
    again = pay(daraja, merchant)
    assert again.outcome is (Outcome.DUPLICATE if payouts else Outcome.ACCEPTED)


def test_without_a_token_nothing_is_sent(
    daraja: Daraja, merchant: Merchant, standin_server: Server
) -> None:
    merchant.control("PUT", "/faults", {"rules": [{"at": "oauth", "do": "empty"}]})
    answer = pay(daraja, merchant)
    assert (answer.outcome, answer.temporary) == (Outcome.REFUSED, True)
    assert standin_server.world.requests.entries("b2c.sync") == []
