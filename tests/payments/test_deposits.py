"""Money in by a prompt, from request to receipt."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from jobs.queue import Task, queue_of
from jobs.tasks import process_callbacks
from ledger.core.payments import PaymentState
from ledger.core.refusals import Refusal, RefusalCode
from tests.mpesa_world import MpesaWorld, prompt_body
from tests.payments.situations import PROCESSING, prompted


def test_a_paid_prompt_credits_the_wallet_and_queues_one_receipt(world: MpesaWorld) -> None:
    user = world.customer()
    payment = world.deposit(user, 500)
    world.submit()
    (request,) = world.gateway.posted("stkpush/")
    assert request["PhoneNumber"] == user.msisdn.removeprefix("+")
    assert request["CallBackURL"] == f"https://wallet.example/hooks/stk/{payment.token}"
    pending = world.reload(payment)
    assert pending.state is PaymentState.PENDING

    assert world.call_back(pending).json == {"ResultCode": 0, "ResultDesc": "Accepted"}
    world.process()

    done = world.reload(payment)
    assert (done.state, world.balance(user)) == (PaymentState.COMPLETED, 500_00)
    assert world.told(user) == ["deposit_received"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (1, "insufficient"),
        (4, "limit"),
        (17, "phone_busy"),
        (26, "busy"),
        (1001, "phone_busy"),
        (1019, "timeout"),
        (1032, "cancelled"),
        (1037, "timeout"),
        (2001, "wrong_pin"),
        (9999, "busy"),
    ],
)
def test_a_prompt_that_failed_says_why(world: MpesaWorld, code: int, why: str) -> None:
    user, payment = prompted(world)
    world.call_back(payment, ResultCode=code)
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (PaymentState.FAILED, 0)
    assert world.told(user) == [f"deposit_failed_{why}"]


def test_the_same_callback_ten_times_five_at_once_credits_once(world: MpesaWorld) -> None:
    user = world.customer()
    payment = world.deposit(user, 250)
    world.submit()
    body = prompt_body(world.reload(payment))
    path = f"/hooks/stk/{payment.token}"
    for _ in range(5):
        assert world.post(path, body).status_code == 200
    with ThreadPoolExecutor(5) as pool:
        clients = [world.client.application.test_client() for _ in range(5)]
        answers = list(pool.map(lambda client: client.post(path, json=body).status_code, clients))
        workers = [pool.submit(process_callbacks.run, world.services) for _ in range(5)]
        for worker in workers:
            worker.result()
    world.process()
    assert answers == [200] * 5
    assert world.balance(user) == 250_00
    assert world.told(user) == ["deposit_received"]
    assert sorted(verdict for _, verdict in world.verdicts(payment.token)) == [
        *["repeated"] * 9,
        "success",
    ]


def test_one_open_prompt_a_phone_and_two_minutes_for_the_same_amount(world: MpesaWorld) -> None:
    user = world.customer()
    payment = world.deposit(user, 100)
    refusal = world.try_deposit(user, 200)
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.PROMPT_OPEN
    world.submit()
    world.call_back(world.reload(payment))
    world.process()
    same = world.try_deposit(user, 100)
    assert isinstance(same, Refusal)
    assert same.code is RefusalCode.PROMPT_OPEN
    assert not isinstance(world.try_deposit(user, 200), Refusal)


def test_the_same_key_gives_the_same_payment_and_names_what_differs(world: MpesaWorld) -> None:
    user = world.customer()
    first = world.try_deposit(user, 100, key=f"hop-{user.id}")
    again = world.try_deposit(user, 100, key=f"hop-{user.id}")
    other = world.try_deposit(user, 101, key=f"hop-{user.id}")
    assert first == again
    assert other == Refusal(RefusalCode.KEY_REUSED, {"field": "amount"})


def test_a_deposit_beyond_the_wallet_maximum_is_refused_before_the_prompt(
    world: MpesaWorld,
) -> None:
    user = world.customer(wallet_shillings=250_000)
    second = world.deposit(user, 249_999)
    world.submit()
    world.call_back(world.reload(second))
    world.process()
    refusal = world.try_deposit(user, 2)
    assert refusal == Refusal(RefusalCode.WALLET_FULL, {"room": 100})


def test_amounts_that_m_pesa_cannot_move_are_refused(world: MpesaWorld) -> None:
    user = world.customer()
    codes = []
    for shillings in (0, -5, 250_001):
        refusal = world.try_deposit(user, shillings)
        assert isinstance(refusal, Refusal)
        codes.append(refusal.code)
    assert codes == [
        RefusalCode.AMOUNT_INVALID,
        RefusalCode.AMOUNT_INVALID,
        RefusalCode.AMOUNT_TOO_LARGE,
    ]


def test_account_references_fit_daraja_and_never_repeat(world: MpesaWorld) -> None:
    references = [world.deposit(world.customer(), 10).account_reference for _ in range(5)]
    assert len(set(references)) == 5
    assert all(len(reference) <= 12 and reference.isalnum() for reference in references)


def test_questions_without_end_leave_the_worker_to_other_tasks(world: MpesaWorld) -> None:
    _, payment = prompted(world)
    world.sync["stkpushquery"] = PROCESSING
    hasty = world.services.settings.model_copy(update={"mpesa_question_pace": 1e-9})
    world.services = replace(world.services, settings=hasty)
    queue_of(world.services.redis).empty()
    started = time.monotonic()
    world.query()
    assert 4 < time.monotonic() - started < 30
    waiting = [job.args[0] for job in queue_of(world.services.redis).jobs]
    assert str(Task.QUERY_PAYMENTS) in waiting
    assert world.reload(payment).questions > 5
