"""From outbox row to phone, whatever the provider does."""

import threading
from dataclasses import replace

import pytest

from jobs.tasks import send_sms
from ledger.db import outbox_sending
from tests.messages.conftest import SYSTEM, Texting
from tests.msisdns import new_msisdn

RECEIPT = "Your deposit of Ksh500.00 was not completed. No money has moved."


def test_a_row_becomes_one_sms_with_id_and_cost(texting: Texting) -> None:
    phone = new_msisdn()
    message = texting.queue(phone)
    texting.send()
    texting.send()
    (text,) = texting.inbox(phone)
    assert text.startswith(RECEIPT)
    row = texting.row(message)
    assert (row["state"], row["attempts"], row["cost_text"]) == ("sent", 1, "KES 0.8000")
    assert row["provider_id"].startswith("ATXid_")
    assert row["sent_at"] is not None


def test_rows_with_the_same_text_share_a_call(texting: Texting) -> None:
    phones = [new_msisdn() for _ in range(5)]
    for phone in phones:
        texting.queue(phone)
    texting.queue(phones[0])
    texting.send()
    assert [len(texting.inbox(phone)) for phone in phones] == [2, 1, 1, 1, 1]
    assert len(texting.calls()) == 2
    assert {row["state"] for row in texting.rows()} == {"sent"}


def test_a_number_that_can_not_be_one_fails_alone(texting: Texting) -> None:
    bad, good = texting.queue("+2541"), texting.queue(new_msisdn())
    texting.send()
    assert texting.row(bad)["state"] == "failed"
    assert texting.row(bad)["failure_reason"] == "InvalidPhoneNumber"
    assert texting.row(good)["state"] == "sent"


@pytest.mark.parametrize(
    ("code", "state"), [(403, "failed"), (404, "failed"), (407, "failed"), (406, "opted_out")]
)
def test_what_is_refused_for_good_is_not_tried_again(
    texting: Texting, code: int, state: str
) -> None:
    message = texting.queue(new_msisdn())
    texting.fault(at="at.send", do="refuse", code=code, times=1)
    texting.send()
    texting.let_time_pass()
    texting.send()
    row = texting.row(message)
    assert (row["state"], row["attempts"]) == (state, 1)
    assert str(code) in row["failure_reason"]
    assert len(texting.calls()) == 1


@pytest.mark.parametrize("code", [500, 501, 502])
def test_what_may_work_later_is_tried_later(texting: Texting, code: int) -> None:
    phone = new_msisdn()
    message = texting.queue(phone)
    texting.fault(at="at.send", do="refuse", code=code, times=1)
    texting.send()
    texting.send()
    assert texting.row(message)["state"] == "queued"
    assert len(texting.calls()) == 1
    texting.let_time_pass()
    texting.send()
    assert texting.row(message)["state"] == "sent"
    assert len(texting.inbox(phone)) == 1


def test_tries_are_capped(texting: Texting) -> None:
    message = texting.queue(new_msisdn())
    texting.fault(at="at.send", do="refuse", code=500)
    for _ in range(12):
        texting.let_time_pass()
        texting.send()
    row = texting.row(message)
    assert (row["state"], row["attempts"]) == ("failed", 7)
    assert row["failure_reason"].startswith("gave up")


def test_a_refused_sender_name_is_left_out_once(texting: Texting) -> None:
    phone = new_msisdn()
    message = texting.queue(phone)
    texting.fault(at="at.send", do="refuse", code=402, times=1)
    texting.send()
    assert texting.row(message)["state"] == "sent"
    assert len(texting.calls()) == 2
    assert len(texting.inbox(phone)) == 1


@pytest.mark.parametrize(("code", "reason"), [(405, "no_credit"), (401, "on_hold")])
def test_trouble_of_the_account_pauses_all_and_costs_no_try(
    texting: Texting, code: int, reason: str
) -> None:
    messages = [texting.queue(new_msisdn(), amount=100 + n) for n in range(9)]
    texting.fault(at="at.send", do="refuse", code=code)
    texting.send()
    assert texting.channel()["reason"] == reason
    calls = len(texting.calls())
    assert calls <= 4
    texting.send()
    assert len(texting.calls()) == calls
    assert all(
        (row["state"], row["attempts"]) == ("queued", 0) for row in map(texting.row, messages)
    )
    texting.no_faults()
    texting.let_time_pass()
    texting.send()
    assert {row["state"] for row in texting.rows("channel = 'sms'")} == {"sent"}
    assert texting.channel()["failures"] == 0


def test_an_outage_is_probed_by_single_messages(texting: Texting) -> None:
    for n in range(9):
        texting.queue(new_msisdn(), amount=100 + n)
    texting.fault(at="at.send", do="error500")
    texting.send()
    first = len(texting.calls())
    assert first <= 4
    for expected in (1, 2, 3):
        texting.let_time_pass()
        texting.send()
        assert len(texting.calls()) == first + expected


def test_a_probe_with_nothing_to_send_does_not_hold_up_the_next_message(texting: Texting) -> None:
    message = texting.queue(new_msisdn())
    texting.fault(at="at.send", do="error500", times=1)
    texting.send()
    with texting.database.transaction(SYSTEM) as connection:
        connection.execute("UPDATE outbox_channels SET paused_until = now() WHERE failures > 0")
    texting.send()
    assert texting.row(message)["state"] == "queued"
    fresh = texting.queue(new_msisdn())
    texting.send()
    assert texting.row(fresh)["state"] == "sent"


def test_a_lost_answer_may_double_the_text_but_not_change_it(texting: Texting) -> None:
    phone = new_msisdn()
    message = texting.queue(phone)
    texting.fault(at="at.send", do="lose_reply", times=1)
    texting.send()
    assert texting.row(message)["state"] == "queued"
    texting.let_time_pass()
    texting.send()
    assert texting.row(message)["state"] == "sent"
    texts = texting.inbox(phone)
    assert len(texts) == 2
    assert len(set(texts)) == 1


def test_a_worker_killed_between_send_and_commit_loses_nothing(texting: Texting) -> None:
    phone = new_msisdn()
    message = texting.queue(phone)
    sender = send_sms.SmsSender(
        send_sms.SmsClient.from_settings(texting.services.settings),
        send_sms.brand_of(texting.services),
        texting.services.settings.pin_pepper.get_secret_value(),
    )
    with texting.database.transaction(SYSTEM) as connection:
        claimed = outbox_sending.claim(connection, "sms", 10)
    list(sender.deliver(claimed))
    assert texting.row(message)["state"] == "sending"
    texting.send()
    assert len(texting.inbox(phone)) == 1, "the lease holds while the worker may be alive"
    texting.let_time_pass()
    texting.send()
    texting.let_time_pass()
    texting.send()
    assert texting.row(message)["state"] == "sent"
    texts = texting.inbox(phone)
    assert len(texts) == 2
    assert len(set(texts)) == 1


def test_a_late_worker_can_not_overwrite_the_one_that_took_over(texting: Texting) -> None:
    message = texting.queue(new_msisdn())
    with texting.database.transaction(SYSTEM) as connection:
        (late,) = outbox_sending.claim(connection, "sms", 1)
    texting.let_time_pass()
    texting.send()
    before = texting.row(message)
    with texting.database.transaction(SYSTEM) as connection:
        tried = outbox_sending.Tried(late.id, late.attempts, "failed", failure_reason="late")
        outbox_sending.record(connection, [tried])
    assert texting.row(message) == before


def test_two_workers_send_each_row_once(texting: Texting) -> None:
    phones = [new_msisdn() for _ in range(60)]
    for n, phone in enumerate(phones):
        texting.queue(phone, amount=100 + n)
    workers = [threading.Thread(target=texting.send) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [len(texting.inbox(phone)) for phone in phones] == [1] * 60


def test_words_that_are_missing_cost_one_row_only(texting: Texting) -> None:
    wordless = texting.queue(new_msisdn(), template="of_a_newer_release")
    good = texting.queue(new_msisdn())
    texting.send()
    assert texting.row(good)["state"] == "sent"
    row = texting.row(wordless)
    assert (row["state"], row["failure_reason"]) == ("queued", "no words: UnrenderableError")
    assert texting.channel()["failures"] == 0


def test_nothing_listening_costs_no_try(texting: Texting) -> None:
    message = texting.queue(new_msisdn())
    deaf = replace(
        texting.services,
        settings=texting.services.settings.model_copy(
            update={"at_base_url": "http://127.0.0.1:9/at"}
        ),
    )
    send_sms.run(deaf)
    row = texting.row(message)
    assert (row["state"], row["attempts"]) == ("queued", 0)
    assert texting.channel()["reason"] == "unreachable"
