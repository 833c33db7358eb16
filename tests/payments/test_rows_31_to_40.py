"""Rows 31 to 40 of table 2.2 of the facts about Daraja: what fails in the field."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from jobs.clients.mpesa.stk_push import password
from ledger.commands import pauses
from ledger.core.context import Context
from ledger.core.payments import PaymentState
from ledger.core.refusals import Refusal, RefusalCode
from ledger.queries import payments as payment_queries
from tests.gateway import refused, said
from tests.mpesa_world import TEST, MpesaWorld, new_mpesa_receipt, result_body
from tests.payments.situations import (
    COMPLETED,
    FAILED,
    UNKNOWN,
    paid_out,
    prompted,
    suspense,
)


def open_reasons(world: MpesaWorld) -> list[str]:
    return [pause.reason for pause in pauses.open_pauses(world.database, Context.of_system("t"))]


@pytest.mark.parametrize(
    "answer",
    [
        (503, b"<html>Incapsula</html>"),
        (200, b""),
        (200, b"<html></html>"),
        (409, b'{"Envelope":{"Body":{"Fault":{"faultcode":"x"}}}}'),
    ],
)
def test_row_31_unreadable_answers_leave_money_in_doubt(
    world: MpesaWorld, answer: tuple[int, bytes]
) -> None:
    user = world.customer(wallet_shillings=1000)
    world.sync["b2c/v3"] = answer
    payment = world.withdraw(user, 400)
    world.submit()
    assert (world.reload(payment).state, world.balance(user)) == (UNKNOWN, 600_00)


def test_row_32_spike_arrest_sends_later_and_gives_up_with_a_word(world: MpesaWorld) -> None:
    user = world.customer()
    world.sync["stkpush/"] = refused(500, "500.003.02", "Error Occurred: Spike Arrest Violation")
    payment = world.deposit(user, 100)
    world.submit()
    again = world.reload(payment)
    assert again.state is PaymentState.CREATED
    assert again.due_at is not None
    assert again.due_at > datetime.now(UTC) + timedelta(seconds=3)
    for _ in range(3):
        world.submit()
    assert world.reload(payment).state is FAILED
    assert world.told(user) == ["deposit_failed_busy"]


def test_row_32_a_busy_gateway_keeps_the_hold_and_the_same_id(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)
    world.sync["b2c/v3"] = refused(500, "500.003.02", "System is busy.")
    payment = world.withdraw(user, 400)
    for _ in range(6):
        world.submit()
    sent = {body["OriginatorConversationID"] for body in world.gateway.posted("b2c/v3")}
    assert sent == {payment.originator_conversation_id}
    assert (world.reload(payment).state, world.balance(user)) == (PaymentState.CREATED, 600_00)


def test_row_33_out_of_float_releases_pauses_and_does_not_blame_the_customer(
    world: MpesaWorld,
) -> None:
    user, payment = paid_out(world)
    world.result(payment, 1)
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (FAILED, 1000_00)
    assert open_reasons(world) == ["out_of_float"]
    assert world.told(user)[-1] == "withdrawal_failed_service"


@pytest.mark.parametrize("code", ["2001", "8006", "21"])
def test_row_34_a_refused_initiator_opens_the_circuit(world: MpesaWorld, code: str) -> None:
    user, payment = paid_out(world)
    waiting = world.withdraw(user, 100)
    world.result(payment, code)
    world.process()
    sent = len(world.gateway.posted("b2c/v3"))
    world.submit()
    assert len(world.gateway.posted("b2c/v3")) == sent
    assert world.reload(waiting).state is PaymentState.CREATED
    assert len(open_reasons(world)) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<script>alert(1)</script>",
        b"[" * 60_000,
        b'{"Body": ' + b"9" * 5_000 + b"}",
        b"\x00\xff\xfe",
        b'{"Body": {"stkCallback": {"ResultCode": [0]}}}',
        b'{"a": "' + b"x" * 100_000 + b'"}',
        json.dumps({"Body": {"stkCallback": {"ResultCode": "\x00\ud800"}}}).encode(),
        b'{"Password": 1,' * 5_000,
    ],
)
@pytest.mark.parametrize("route", ["stk/{}", "b2c/{}/result", "status/{}/result", "c2b"])
def test_row_35_nonsense_is_stored_answered_and_shown(
    world: MpesaWorld, raw: bytes, route: str
) -> None:
    token = "noise" + new_mpesa_receipt()
    if route == "c2b":
        key = world.services.settings.mpesa_c2b_keys[0].get_secret_value()
        path, token = f"/hooks/c2b/{key}/confirm", "paybill"
    else:
        path = f"/hooks/{route.format(token)}"
    started = datetime.now(UTC)
    answer = world.post(path, raw)
    assert (answer.status_code, answer.json) == (200, {"ResultCode": 0, "ResultDesc": "Accepted"})
    assert datetime.now(UTC) - started < timedelta(seconds=1)
    world.process()
    assert world.verdicts(token)[-1] == ("unreadable", "unreadable")
    assert len(world.inbox(token)[-1].body) <= 64 * 1024


def test_row_35_other_methods_and_wrong_keys_reach_nothing(world: MpesaWorld) -> None:
    assert world.client.get("/hooks/stk/abc").status_code == 405
    assert world.post("/hooks/c2b/wrong-key/confirm", {}).status_code == 404
    assert world.post("/hooks/c2b/wrong-key/validate", {}).status_code == 404


def test_row_36_the_password_uses_east_african_time(
    world: MpesaWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    prompted(world)
    (request,) = world.gateway.posted("stkpush/")
    stamp = str(request["Timestamp"])
    moment = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC) - timedelta(hours=3)
    assert abs(moment - datetime.now(UTC)) < timedelta(minutes=1)
    settings = world.services.settings
    assert request["Password"] == password(
        settings.mpesa_shortcode, settings.mpesa_passkey.get_secret_value(), stamp
    )


def test_row_37_a_status_that_contradicts_a_credit_is_shown_and_changes_nothing(
    world: MpesaWorld,
) -> None:
    user, payment = prompted(world)
    world.call_back(payment)
    world.process()
    world.status(payment, "Cancelled")
    world.process()
    done = world.reload(payment)
    assert (done.state, world.balance(user)) == (COMPLETED, 100_00)
    assert done.review_reason == "failure_after_success"
    shown = payment_queries.for_review(world.database, Context("admin:1", "console"))
    assert payment.id in [item.id for item in shown]


def test_row_38_money_above_the_wallet_limit_is_held_not_refused(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=250_000)
    held_before = suspense(world)
    receipt = new_mpesa_receipt()
    world.paybill(BillRefNumber=user.msisdn, TransAmount="250000", TransID=new_mpesa_receipt())
    world.paybill(BillRefNumber=user.msisdn, TransAmount="10", TransID=receipt)
    world.process()
    world.process()
    assert world.balance(user) + suspense(world) - held_before == 500_010_00
    assert "money_in_suspense" in world.told(user)


def test_row_38_money_for_a_frozen_wallet_is_held(world: MpesaWorld) -> None:
    user, payment = prompted(world)
    with world.database.transaction(TEST) as connection:
        connection.execute(
            "SELECT public.set_account_status(%s, 'frozen')", (user.wallet_account_id,)
        )
    world.call_back(payment)
    world.process()
    done = world.reload(payment)
    assert (done.state, done.suspense_reason) == (COMPLETED, "account_frozen")
    assert world.balance(user) == 0


def test_row_39_two_prompts_to_one_phone_are_refused(world: MpesaWorld) -> None:
    user, _ = prompted(world)
    refusal = world.try_deposit(user, 150)
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.PROMPT_OPEN


def test_row_40_a_late_accepted_answer_does_not_reopen_a_failure(world: MpesaWorld) -> None:
    user = world.customer()
    payment = world.deposit(user, 100)
    answered = world.gateway.reply

    def fail_first(path: str, token: str, body: dict[str, object]):  # type: ignore[no-untyped-def]
        if "stkpush/" in path:
            checkout = f"ws_CO_{payment.token[:12]}"
            world.call_back(payment, ResultCode=1032, CheckoutRequestID=checkout)
            world.process()
            return said(ResponseCode="0", CheckoutRequestID=checkout, MerchantRequestID="m-40")
        return answered(path, token, body)

    world.gateway.reply = fail_first
    world.submit()
    done = world.reload(payment)
    assert (done.state, done.checkout_request_id) == (FAILED, f"ws_CO_{payment.token[:12]}")
    assert world.told(user) == ["deposit_failed_cancelled"]


def test_row_40_a_late_accepted_answer_does_not_reopen_a_payout(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)
    payment = world.withdraw(user, 400)
    world.gateway.reply = lambda path, token, body: (
        world.post(f"/hooks/b2c/{payment.token}/result", result_body(payment, "2040")),
        world.process(),
        said(ResponseCode="0", ConversationID=f"AG_{payment.token[:12]}"),
    )[2]
    world.submit()
    assert (world.reload(payment).state, world.balance(user)) == (FAILED, 1000_00)
