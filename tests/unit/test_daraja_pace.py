"""We ask Daraja no faster than we said we would, however many workers there are."""

import time
from concurrent.futures import ThreadPoolExecutor

from redis import Redis

from jobs.clients.mpesa import stk_query
from jobs.clients.mpesa.account import DarajaAccount
from jobs.clients.mpesa.outcomes import Api, Outcome
from jobs.clients.mpesa.pace import Pace
from jobs.clients.mpesa.transport import Daraja
from tests.gateway import Gateway


def account(url: str = "http://daraja.example", requests_per_second: int = 8) -> DarajaAccount:
    return DarajaAccount(
        base_url=url,
        consumer_key="key",
        consumer_secret="consumer-secret",
        shortcode="600100",
        passkey="passkey",
        requests_per_second=requests_per_second,
    )


def test_workers_share_one_pace_and_wait_for_their_turn(redis_client: Redis) -> None:
    workers = [Pace(redis_client, account(), patience_seconds=30) for _ in range(20)]
    started = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        turns = list(pool.map(lambda pace: pace.wait_for_turn(Api.STK_PUSH), workers))
    # Eight at once, eight a second later, four after another second.
    assert time.monotonic() - started > 1.9
    assert all(turns)


def test_who_gets_no_turn_in_time_is_told_so(redis_client: Redis) -> None:
    pace = Pace(redis_client, account(requests_per_second=1), patience_seconds=0.1)
    assert [pace.wait_for_turn(Api.B2C) for _ in range(3)] == [True, False, False]


def test_questions_have_a_slower_pace_of_their_own(redis_client: Redis) -> None:
    pace = Pace(redis_client, account(), patience_seconds=0.1)
    assert [pace.wait_for_turn(Api.STK_QUERY) for _ in range(3)] == [True, True, False]
    assert pace.wait_for_turn(Api.B2C)


def test_a_request_out_of_turn_is_refused_for_now_and_not_sent(redis_client: Redis) -> None:
    gateway = Gateway()
    try:
        slow = account(gateway.url, requests_per_second=1)
        clients = [Daraja(slow, redis_client) for _ in range(10)]
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda client: stk_query.query(client, "ws_CO_1"), clients))
        refused = [answer for answer in answers if answer.code == "own_pace"]
        assert refused
        assert all(a.outcome is Outcome.REFUSED and a.temporary for a in refused)
        assert len(gateway.posts) == 10 - len(refused)
    finally:
        gateway.close()
