"""What the organisation is written to about, once an event and not once a payment."""

from dataclasses import replace

import pytest

from jobs.letters.post import mail_of
from jobs.tasks import process_callbacks, read_float
from ledger.commands import pauses
from ledger.core.context import Context
from ledger.db import outbox_sending
from tests.mpesa_world import TEST, MpesaWorld, new_mpesa_receipt
from tests.payments.situations import paid_out
from tests.payments.test_paybill_and_reversals import float_answer


@pytest.fixture
def world(world: MpesaWorld) -> MpesaWorld:
    # Rows of other tests stay in the outbox; these addresses tell ours apart.
    ours = tuple(f"{name}-{new_mpesa_receipt()}@cycle.example" for name in ("finance", "owner"))
    settings = world.services.settings.model_copy(update={"admin_emails": ours})
    world.services = replace(world.services, settings=settings)
    with world.database.transaction(TEST) as connection:
        connection.execute("UPDATE float_readings SET asked_at = now() - interval '2 hours'")
    return world


def addresses(world: MpesaWorld) -> tuple[str, ...]:
    return tuple(world.services.settings.admin_emails)


def letters(world: MpesaWorld) -> list[tuple[str, str]]:
    """Return template and recipient of each letter that waits, oldest first."""
    with world.database.transaction(TEST) as connection:
        rows = connection.execute(
            "SELECT template, recipient FROM outbox WHERE recipient = ANY(%s) ORDER BY id",
            ([*addresses(world)],),
        ).fetchall()
    return [(row["template"], row["recipient"]) for row in rows]


def mails(world: MpesaWorld) -> list[str]:
    """Return the letters that wait, as their readers see them."""
    with world.database.transaction(TEST) as connection:
        due = outbox_sending.claim(connection, "email", 1000)
    ours = (mail_of(world.services, row) for row in due if row.recipient in addresses(world))
    return [f"{mail.subject}\n{mail.text}" for mail in ours]


@pytest.mark.parametrize(
    ("code", "reason", "advice"),
    [
        (1, "out_of_float", "Move money"),
        ("2001", "initiator_invalid", "password or certificate"),
        ("8006", "initiator_locked", "is locked"),
        ("21", "initiator_not_allowed", "lacks the role"),
    ],
)
def test_rows_33_and_34_a_pause_is_written_about_once_however_many_payouts_fail(
    world: MpesaWorld, code: object, reason: str, advice: str
) -> None:
    payouts = [paid_out(world)[1] for _ in range(3)]
    for payment in payouts:
        world.result(payment, code)
        world.process()
    assert letters(world) == [("payouts_paused", address) for address in addresses(world)]
    for mail in mails(world):
        assert "withdrawals are paused" in mail
        assert reason in mail
        assert advice in mail


def test_a_pause_whose_worker_died_before_writing_is_written_about_later(
    world: MpesaWorld,
) -> None:
    _, payment = paid_out(world)
    with world.database.transaction(TEST) as connection:
        pauses.pause(connection, "out_of_float", "1", payment.id)
    process_callbacks.run(world.services)
    process_callbacks.run(world.services)
    assert letters(world) == [("payouts_paused", address) for address in addresses(world)]


def test_a_second_pause_after_the_first_was_ended_is_a_new_event(world: MpesaWorld) -> None:
    for _ in range(2):
        _, payment = paid_out(world)
        world.result(payment, 1)
        world.process()
        (stop,) = pauses.open_pauses(world.database, Context.of_system("t"))
        pauses.resume(world.database, Context("admin:7", "console"), stop.id)
    assert letters(world) == [("payouts_paused", address) for address in addresses(world) * 2]


def test_a_low_float_is_written_about_when_it_falls_and_not_every_hour(world: MpesaWorld) -> None:
    def read(utility: str) -> None:
        with world.database.transaction(TEST) as connection:
            connection.execute("UPDATE float_readings SET asked_at = asked_at - interval '2 hours'")
        read_float.run(world.services)
        float_answer(world, utility)

    read("900000.00")
    assert letters(world) == []
    for utility in ("49999.00", "40000.00", "100.50"):
        read(utility)
    assert letters(world) == [("float_low", address) for address in addresses(world)]
    (mail, _) = mails(world)
    assert "KES 49,999.00" in mail
    assert "KES 50,000.00" in mail
    read("60000.00")
    read("1.00")
    assert letters(world)[2:] == [("float_low", address) for address in addresses(world)]


def test_the_collection_account_neither_alarms_nor_resumes_payouts(world: MpesaWorld) -> None:
    payer = world.services.settings.model_copy(update={"mpesa_b2c_shortcode": "600977"})
    world.services = replace(world.services, settings=payer)
    _, payment = paid_out(world)
    world.result(payment, 1)
    world.process()
    read_float.run(world.services)
    questions = world.gateway.posted("accountbalance")
    assert {question["PartyA"] for question in questions} == {"600966", "600977"}
    for question in questions:
        utility = "900000.00" if question["PartyA"] == "600966" else "10.00"
        float_answer(world, utility, question)
    reasons = [stop.reason for stop in pauses.open_pauses(world.database, Context.of_system("t"))]
    assert reasons == ["out_of_float"]
    assert ("float_low", addresses(world)[0]) in letters(world)
