"""The client against a small server on a real socket: tokens, timeouts, nothing sent twice."""

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from redis import Redis

from jobs.clients.mpesa import b2c, pull, stk_push, stk_query
from jobs.clients.mpesa.account import DarajaAccount, ResultUrls
from jobs.clients.mpesa.outcomes import Answer, Outcome
from jobs.clients.mpesa.transport import Daraja
from tests.gateway import Gateway, Reply

ACCEPTED = json.dumps({"ResponseCode": "0", "CheckoutRequestID": "ws_CO_1"}).encode()
INVALID_TOKEN = json.dumps(
    {"errorCode": "404.001.03", "errorMessage": "Invalid Access Token"}
).encode()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    yield gateway
    gateway.close()


@pytest.fixture
def redis(redis_client: Redis) -> Redis:
    return redis_client


def daraja(url: str, redis: Redis, read_timeout_seconds: float = 5) -> Daraja:
    account = DarajaAccount(
        base_url=url,
        consumer_key="key",
        consumer_secret="consumer-secret",
        shortcode="600100",
        passkey="passkey",
        payout_shortcode="600200",
        security_credential="sealed",
        connect_timeout_seconds=1,
        read_timeout_seconds=read_timeout_seconds,
    )
    return Daraja(account, redis)


def push(client: Daraja) -> Answer:
    return stk_push.push(
        client,
        amount_cents=100_00,
        msisdn="+254712345678",
        account_reference="ABCD234567",
        description="Deposit",
        callback_url="https://wallet.example/hooks/stk/ab12",
    )


def test_a_prompt_carries_what_daraja_asks_for(gateway: Gateway, redis: Redis) -> None:
    answer = push(daraja(gateway.url, redis))
    path, token, body = gateway.posts[0]
    assert (answer.outcome, answer.field_text("CheckoutRequestID")) == (
        Outcome.ACCEPTED,
        "ws_CO_1",
    )
    assert (path, token) == ("/mpesa/stkpush/v1/processrequest", "token1")
    assert (body["Amount"], body["PartyA"], body["AccountReference"]) == (
        100,
        "254712345678",
        "ABCD234567",
    )


@pytest.mark.parametrize(
    ("reference", "description"),
    [("ABCDEFGHJKLMN", "Deposit"), ("AB CD", "Deposit"), ("", "Deposit"), ("A", "D" * 14)],
)
def test_texts_that_production_would_refuse_are_never_sent(
    gateway: Gateway, redis: Redis, reference: str, description: str
) -> None:
    with pytest.raises(ValueError, match="is 1 to 1"):
        stk_push.push(
            daraja(gateway.url, redis),
            amount_cents=100,
            msisdn="+254712345678",
            account_reference=reference,
            description=description,
            callback_url="https://wallet.example",
        )
    assert gateway.posts == []


def test_twenty_workers_share_one_token(gateway: Gateway, redis: Redis) -> None:
    clients = [daraja(gateway.url, redis) for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        outcomes = {answer.outcome for answer in pool.map(push, clients)}
    assert outcomes == {Outcome.ACCEPTED}
    assert gateway.oauth_calls == 1


def test_the_token_is_not_readable_in_redis(gateway: Gateway, redis: Redis) -> None:
    push(daraja(gateway.url, redis))
    for key in redis.scan_iter(_type="string"):
        assert b"token1" not in (redis.get(key) or b"")


def test_the_token_is_renewed_before_it_expires(gateway: Gateway, redis: Redis) -> None:
    push(daraja(gateway.url, redis))
    (key,) = redis.scan_iter("daraja:token:*")
    assert 3_400 < redis.ttl(key) <= 3_509


def test_a_replaced_token_costs_one_renewal_and_one_more_try(
    gateway: Gateway, redis: Redis
) -> None:
    client = daraja(gateway.url, redis)
    push(client)
    gateway.reply = lambda path, token, body: (
        (404, INVALID_TOKEN) if token == "token1" else (200, ACCEPTED)
    )
    assert push(client).outcome is Outcome.ACCEPTED
    assert gateway.oauth_calls == 2
    assert [token for _, token, _ in gateway.posts] == ["token1", "token1", "token2"]


def test_a_token_refused_twice_is_a_refusal_and_no_loop(gateway: Gateway, redis: Redis) -> None:
    gateway.reply = lambda path, token, body: (404, INVALID_TOKEN)
    answer = push(daraja(gateway.url, redis))
    assert (answer.outcome, answer.temporary) == (Outcome.REFUSED, True)
    assert len(gateway.posts) == 2


def test_a_token_that_another_worker_replaced_is_kept(gateway: Gateway, redis: Redis) -> None:
    first, second = daraja(gateway.url, redis), daraja(gateway.url, redis)
    push(first)
    stale = first._tokens.current()
    second._tokens.drop(stale)
    renewed = second._tokens.current()
    first._tokens.drop(stale)
    assert first._tokens.current().value == renewed.value == "token2"


@pytest.mark.parametrize("reply", [(400, b""), (200, b""), (200, b"{}"), (500, b"<html>"), None])
def test_without_a_token_nothing_is_sent_and_oauth_is_not_stormed(
    gateway: Gateway, redis: Redis, reply: Reply
) -> None:
    gateway.oauth_reply = lambda number: reply
    client = daraja(gateway.url, redis)
    answers = [push(client) for _ in range(5)]
    assert {(answer.outcome, answer.temporary) for answer in answers} == {(Outcome.REFUSED, True)}
    assert (gateway.oauth_calls, gateway.posts) == (1, [])


def test_a_lost_answer_is_unknown_and_sent_once(gateway: Gateway, redis: Redis) -> None:
    gateway.reply = lambda path, token, body: None
    assert push(daraja(gateway.url, redis)).outcome is Outcome.UNKNOWN
    assert len(gateway.posts) == 1


def test_an_answer_after_the_read_timeout_is_unknown(gateway: Gateway, redis: Redis) -> None:
    held = threading.Event()

    def slow(path: str, token: str, body: object) -> Reply:
        held.wait(10)
        return 200, ACCEPTED

    gateway.reply = slow
    answer = push(daraja(gateway.url, redis, read_timeout_seconds=0.2))
    held.set()
    assert (answer.outcome, len(gateway.posts)) == (Outcome.UNKNOWN, 1)


def test_a_server_that_is_not_there_is_a_refusal(gateway: Gateway, redis: Redis) -> None:
    client = daraja(gateway.url, redis)
    token = client._tokens.current()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        absent = daraja(f"http://127.0.0.1:{unused.getsockname()[1]}", redis)
        absent._tokens = client._tokens
        answer = push(absent)
    assert token.value == "token1"
    assert (answer.outcome, answer.code, answer.temporary) == (
        Outcome.REFUSED,
        "not_connected",
        True,
    )


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, {"ResponseCode": "0", "ResultCode": "1032", "ResultDesc": "Cancelled"}, "1032"),
        (200, {"ResponseCode": "0", "ResultCode": 0}, "0"),
        (200, {"ResponseCode": "0", "ResultCode": "4999"}, None),
        (200, {"ResponseCode": "0"}, None),
        (200, {"ResponseCode": "1", "ResultCode": "0"}, None),
        (
            500,
            {"errorCode": "500.001.1001", "errorMessage": "The transaction does not Exist"},
            None,
        ),
        (200, {"errorCode": "500.001.1001", "errorMessage": ""}, None),
    ],
)
def test_only_a_final_query_answer_is_a_verdict(
    gateway: Gateway, redis: Redis, status: int, body: dict[str, object], code: str | None
) -> None:
    gateway.reply = lambda *_: (status, json.dumps(body).encode())
    verdict = stk_query.verdict(stk_query.query(daraja(gateway.url, redis), "ws_CO_1"))
    assert (verdict.code if verdict else None) == code


def test_a_duplicate_payout_is_told_from_a_broken_gateway(gateway: Gateway, redis: Redis) -> None:
    outcomes = []
    for message in ("Duplicate OriginatorConversationID.", "System internal error."):
        body = json.dumps({"errorCode": "500.002.1001", "errorMessage": message}).encode()
        gateway.reply = lambda path, token, request, body=body: (500, body)  # type: ignore[misc]
        answer = b2c.pay(
            daraja(gateway.url, redis),
            originator_conversation_id="ours-1",
            amount_cents=10_00,
            msisdn="+254712345678",
            remarks="Withdrawal",
            urls=ResultUrls("https://a.example", "https://b.example"),
        )
        outcomes.append(answer.outcome)
    assert outcomes == [Outcome.DUPLICATE, Outcome.UNKNOWN]
    assert gateway.posts[0][2]["OriginatorConversationID"] == "ours-1"


def test_pull_reads_nested_pages_once(gateway: Gateway, redis: Redis) -> None:
    def page(*receipts: str) -> bytes:
        rows = [{"transactionId": receipt, "amount": "5.00"} for receipt in receipts]
        return json.dumps({"ResponseCode": "1000", "Response": [rows]}).encode()

    def reply(path: str, token: str, body: object) -> Reply:
        offset = gateway.posts[-1][2]["OffSetValue"]
        return 200, {"0": page("A1", "A2"), "2": page("A2", "A3")}.get(str(offset), page())

    gateway.reply = reply
    client = daraja(gateway.url, redis)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    window = pull.pull_window(client, moment, moment)
    assert [row.receipt for row in window.transactions] == ["A1", "A2", "A3"]
    assert (window.proven, window.transactions[0].amount_cents) == (True, 500)


def test_an_empty_pull_proves_nothing(gateway: Gateway, redis: Redis) -> None:
    body = b'{"ResponseCode": "1001", "ResponseMessage": "No records found", "Response": [[]]}'
    gateway.reply = lambda *_: (200, body)
    client = daraja(gateway.url, redis)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert not pull.pull_window(client, moment, moment).proven
