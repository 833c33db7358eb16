"""Money out: held before it is sent, released on a verdict only."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ledger.commands import pauses, withdrawals
from ledger.core.chart import SystemAccount
from ledger.core.context import Context
from ledger.core.payments import Payment, PaymentState
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import accounts, users
from tests.gateway import refused
from tests.limits import payouts_to_others
from tests.mpesa_world import TEST, MpesaWorld


def pending_total(world: MpesaWorld) -> int:
    with world.database.transaction(TEST) as connection:
        return accounts.system_balances(connection)[SystemAccount.PENDING_WITHDRAWALS]


def resume_all(world: MpesaWorld) -> list[str]:
    admin = Context("admin:1", "console")
    found = pauses.open_pauses(world.database, admin)
    for pause in found:
        pauses.resume(world.database, admin, pause.id)
    return [pause.reason for pause in found]


def test_a_withdrawal_is_held_sent_and_settled(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)
    held_before = pending_total(world)
    payment = world.withdraw(user, 400)
    assert (world.balance(user), pending_total(world) - held_before) == (600_00, 400_00)
    world.submit()
    (request,) = world.gateway.posted("b2c/v3")
    assert request["OriginatorConversationID"] == payment.originator_conversation_id
    assert (request["Amount"], request["CommandID"]) == (400, "BusinessPayment")
    assert request["ResultURL"] == f"https://wallet.example/hooks/b2c/{payment.token}/result"

    world.result(world.reload(payment))
    world.process()

    done = world.reload(payment)
    assert (done.state, world.balance(user)) == (PaymentState.COMPLETED, 600_00)
    assert pending_total(world) == held_before
    assert world.told(user) == [
        "deposit_received",
        "withdrawal_requested",
        "withdrawal_completed",
    ]


def test_a_definite_failure_gives_the_money_and_the_daily_limit_back(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)
    payment = world.withdraw(user, 400)
    world.submit()
    world.result(world.reload(payment), "2040")
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (PaymentState.FAILED, 1000_00)
    assert world.told(user)[-1] == "withdrawal_failed_unregistered"
    with world.database.transaction(TEST) as connection:
        used = connection.execute(
            "SELECT amount FROM daily_usage WHERE account_id = %s", (user.wallet_account_id,)
        ).fetchone()
    assert used is not None
    assert used["amount"] == 0


def test_without_the_money_nothing_is_sent(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=100)
    refusal = world.try_withdraw(user, 101)
    world.submit()
    assert refusal == Refusal(RefusalCode.INSUFFICIENT_FUNDS, {"balance": 100_00, "fee": 0})
    assert world.gateway.posted("b2c/v3") == []


def test_twenty_withdrawals_of_everything_at_once_pay_one(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: world.try_withdraw(user, 1000), range(20)))
    world.submit()
    assert len([answer for answer in answers if isinstance(answer, Payment)]) == 1
    assert world.balance(user) == 0
    assert len(world.gateway.posted("b2c/v3")) == 1


def test_the_same_key_withdraws_once(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)
    first = world.try_withdraw(user, 100, key=f"hop-{user.id}")
    again = world.try_withdraw(user, 100, key=f"hop-{user.id}")
    assert isinstance(first, Payment)
    assert isinstance(again, Payment)
    assert (first.id, world.balance(user)) == (again.id, 900_00)


@pytest.mark.parametrize(
    ("code", "reason"),
    [("1", "out_of_float"), ("2001", "initiator_invalid"), ("8006", "initiator_locked")],
)
def test_a_fault_of_ours_pauses_payouts_until_a_person_resumes(
    world: MpesaWorld, code: str, reason: str
) -> None:
    user = world.customer(wallet_shillings=1000)
    first, second = world.withdraw(user, 100), world.withdraw(user, 200)
    world.submit()
    world.result(world.reload(first), code)
    world.process()
    refusal = world.try_withdraw(user, 100)
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.WITHDRAWALS_PAUSED
    assert world.told(user)[-1] == "withdrawal_failed_service"
    assert world.reload(second).state is PaymentState.PENDING
    assert resume_all(world) == [reason]
    assert isinstance(world.try_withdraw(user, 100), Payment)


def test_what_waits_during_a_pause_is_sent_after_it(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)
    first = world.withdraw(user, 100)
    world.submit()
    waiting = world.withdraw(user, 200)
    world.result(world.reload(first), "1")
    world.process()
    world.submit()
    assert world.reload(waiting).state is PaymentState.CREATED
    resume_all(world)
    world.submit()
    assert world.reload(waiting).state is PaymentState.PENDING


def test_a_refused_request_gives_the_money_back(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)
    world.sync["b2c/v3"] = refused(400, "400.002.02", "Bad Request - Invalid PartyB")
    payment = world.withdraw(user, 100)
    world.submit()
    assert (world.reload(payment).state, world.balance(user)) == (PaymentState.FAILED, 1000_00)


def test_a_payout_found_paid_after_its_release_is_taken_again(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)
    payment = world.withdraw(user, 400)
    world.submit()
    world.result(world.reload(payment), "2040")
    world.process()
    world.result(world.reload(payment), 0)
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (PaymentState.COMPLETED, 600_00)


def test_a_payout_found_paid_after_the_money_was_spent_waits_in_suspense(
    world: MpesaWorld,
) -> None:
    user = world.customer(wallet_shillings=1000)
    payment = world.withdraw(user, 400)
    world.submit()
    world.result(world.reload(payment), "2040")
    world.process()
    world.withdraw(user, 900)
    world.result(world.reload(payment), 0)
    world.process()
    done = world.reload(payment)
    assert (done.state, world.balance(user)) == (PaymentState.COMPLETED, 100_00)
    assert done.suspense_reason == "paid_out_after_release:insufficient_funds"


def test_a_quote_names_the_fee_and_refuses_what_the_request_would(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)
    context = Context.of_user(user.id, "ussd")
    quote = withdrawals.quote(world.database, context, user.id, 100_00)
    assert quote == withdrawals.WithdrawalQuote(100_00, 0, 100_00)
    small = withdrawals.quote(world.database, context, user.id, 9_00)
    assert isinstance(small, Refusal)
    assert small.code is RefusalCode.AMOUNT_TOO_SMALL


OTHER = "+254722000111"


def test_no_withdrawal_goes_to_another_number_unless_a_limit_allows_it(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)

    refused = world.try_withdraw(user, 400, to=OTHER)

    assert refused == Refusal(RefusalCode.WITHDRAWALS_OWN_ONLY)
    assert world.balance(user) == 1000_00
    world.submit()
    assert world.gateway.posted("b2c/v3") == []


def test_a_withdrawal_to_another_number_pays_that_number_and_tells_the_owner(
    world: MpesaWorld,
) -> None:
    user = world.customer(wallet_shillings=1000)
    with payouts_to_others(world.database):
        payment = world.withdraw(user, 300, to=OTHER)
    world.submit()
    (request,) = world.gateway.posted("b2c/v3")
    assert (request["PartyB"], request["Amount"]) == ("254722000111", 300)

    world.result(world.reload(payment))
    world.process()

    assert (world.reload(payment).state, world.balance(user)) == (PaymentState.COMPLETED, 700_00)
    with world.database.transaction(TEST) as connection:
        connection.execute("SELECT fill_outbox()")
        rows = connection.execute(
            "SELECT recipient, template, params ->> 'msisdn' AS shown FROM outbox"
            " WHERE template LIKE %s AND user_id = %s ORDER BY id",
            ("withdrawal%", user.id),
        ).fetchall()
    assert rows == [
        {"recipient": user.msisdn, "template": template, "shown": "0722***111"}
        for template in ("withdrawal_requested", "withdrawal_completed")
    ]


def test_to_another_number_both_limits_hold_and_the_days_total_is_one(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)
    with payouts_to_others(world.database, maximum=300, daily=400):
        over = world.try_withdraw(user, 301, to=OTHER)
        first, second = world.withdraw(user, 250), world.try_withdraw(user, 151, to=OTHER)
        third = world.try_withdraw(user, 150, to=OTHER)

    assert over == Refusal(RefusalCode.AMOUNT_TOO_LARGE, {"maximum": 300_00})
    assert isinstance(first, Payment)
    assert isinstance(second, Refusal)
    assert (second.code, second.details["left"]) == (RefusalCode.DAILY_LIMIT, 150_00)
    assert isinstance(third, Payment)


def test_the_own_number_spelled_out_needs_no_permission(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)

    assert isinstance(world.try_withdraw(user, 400, to=user.msisdn), Payment)


@pytest.mark.parametrize("to", [None, OTHER])
def test_for_a_day_after_a_pin_reset_a_thousand_shillings_may_leave(
    world: MpesaWorld, to: str | None
) -> None:
    user = world.customer(wallet_shillings=3000)
    with world.database.transaction(TEST) as connection:
        users.cap_withdrawals(connection, user.id, datetime.now(UTC) + timedelta(hours=24))
    with payouts_to_others(world.database, maximum=5000, daily=5000):
        at_once = world.try_withdraw(user, 1001, to=to)
        first = world.try_withdraw(user, 600, to=to)
        second = world.try_withdraw(user, 401, to=to)
        third = world.try_withdraw(user, 400, to=to)
        with world.database.transaction(TEST) as connection:
            users.cap_withdrawals(connection, user.id, datetime.now(UTC))
        after = world.try_withdraw(user, 1001, to=to)

    assert at_once == Refusal(RefusalCode.WITHDRAWALS_CAPPED, {"maximum": 1000_00})
    assert isinstance(first, Payment)
    assert isinstance(second, Refusal)
    assert (second.code, second.details["left"]) == (RefusalCode.DAILY_LIMIT, 400_00)
    assert isinstance(third, Payment)
    assert isinstance(after, Payment)


def test_a_repeated_key_with_another_number_is_refused(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)
    with payouts_to_others(world.database):
        first = world.try_withdraw(user, 200, key=f"key-{user.id}", to=OTHER)
        again = world.try_withdraw(user, 200, key=f"key-{user.id}", to=OTHER)
        differs = [
            world.try_withdraw(user, 200, key=f"key-{user.id}", to=to)
            for to in (None, user.msisdn, "+254722000112")
        ]

    assert isinstance(first, Payment)
    assert again == first
    assert differs == [Refusal(RefusalCode.KEY_REUSED, {"field": "number"})] * 3
    assert world.balance(user) == 800_00
