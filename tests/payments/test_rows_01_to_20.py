"""Rows 1 to 20 of table 2.2 of the facts about Daraja: what fails in the field."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest

from jobs.tasks import process_callbacks
from ledger.core.msisdn import daraja_hash
from tests.gateway import refused, said
from tests.mpesa_world import MpesaWorld, new_mpesa_receipt, prompt_body
from tests.payments.situations import (
    COMPLETED,
    EXPIRED,
    FAILED,
    PAID,
    PENDING,
    PROCESSING,
    UNKNOWN,
    paid_out,
    prompted,
    suspense,
)


def test_row_01_same_callback_many_times_credits_once(world: MpesaWorld) -> None:
    user, payment = prompted(world)
    body = prompt_body(payment)
    for _ in range(3):
        assert world.post(f"/hooks/stk/{payment.token}", body).status_code == 200
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: process_callbacks.run(world.services), range(3)))
    world.process()
    assert (world.balance(user), world.told(user)) == (100_00, ["deposit_received"])
    assert len(world.inbox(payment.token)) == 3


def test_row_02_callback_before_the_sync_answer_finds_its_payment(world: MpesaWorld) -> None:
    user = world.customer()
    payment = world.deposit(user, 100)
    answered = world.gateway.reply

    def call_back_first(path: str, token: str, body: dict[str, object]):  # type: ignore[no-untyped-def]
        if "stkpush/" in path:
            early = prompt_body(payment, CheckoutRequestID=f"ws_CO_{payment.token[:12]}")
            world.post(f"/hooks/stk/{payment.token}", early)
            process_callbacks.run(world.services)
            return said(ResponseCode="0", CheckoutRequestID=f"ws_CO_{payment.token[:12]}")
        return answered(path, token, body)

    world.gateway.reply = call_back_first
    world.submit()
    done = world.reload(payment)
    assert (done.state, world.balance(user)) == (COMPLETED, 100_00)
    assert done.checkout_request_id == f"ws_CO_{payment.token[:12]}"


def test_row_03_without_a_callback_the_query_settles(world: MpesaWorld) -> None:
    user, payment = prompted(world)
    world.sync["stkpushquery"] = PAID
    world.query()
    assert (world.reload(payment).state, world.balance(user)) == (COMPLETED, 100_00)


def test_row_03_without_any_answer_for_a_day_the_prompt_expires(world: MpesaWorld) -> None:
    user, payment = prompted(world)
    world.sync["stkpushquery"] = PROCESSING
    world.query()
    assert world.reload(payment).state is PENDING
    world.age(payment, timedelta(hours=25))
    world.query()
    assert (world.reload(payment).state, world.balance(user)) == (EXPIRED, 0)
    assert world.told(user) == ["deposit_expired"]


def test_row_03_without_a_result_a_payout_is_settled_by_its_status(world: MpesaWorld) -> None:
    user, payment = paid_out(world)
    world.query()
    (question,) = world.gateway.posted("transactionstatus")
    assert question["OriginalConversationID"] == payment.originator_conversation_id
    world.status(payment, "Completed")
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (COMPLETED, 600_00)


def test_row_04_callback_after_the_query_fills_in_the_receipt_only(world: MpesaWorld) -> None:
    user, payment = prompted(world)
    world.sync["stkpushquery"] = PAID
    world.query()
    assert world.reload(payment).mpesa_receipt is None
    world.call_back(payment, MpesaReceiptNumber="TKROW4AAAA")
    world.process()
    done = world.reload(payment)
    assert (done.mpesa_receipt, world.balance(user)) == ("TKROW4AAAA", 100_00)
    assert done.paid_at is not None
    assert world.told(user) == ["deposit_received"]
    assert world.verdicts(payment.token) == [("processed", "receipt_attached")]


@pytest.mark.parametrize("code", [1037, 1019])
def test_row_05_success_after_a_failure_shown_to_the_user_credits(
    world: MpesaWorld, code: int
) -> None:
    user, payment = prompted(world)
    world.call_back(payment, ResultCode=code)
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (FAILED, 0)
    world.call_back(payment)
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (COMPLETED, 100_00)
    assert world.told(user) == ["deposit_failed_timeout", "deposit_received"]


def test_row_05_success_after_our_own_expiry_credits(world: MpesaWorld) -> None:
    user, payment = prompted(world)
    world.age(payment, timedelta(hours=25))
    world.query()
    assert world.reload(payment).state is EXPIRED
    world.call_back(payment)
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (COMPLETED, 100_00)


def test_row_06_lost_sync_answer_of_a_prompt_is_never_sent_again(world: MpesaWorld) -> None:
    user = world.customer()
    world.sync["stkpush/"] = None
    payment = world.deposit(user, 100)
    world.submit()
    assert world.reload(payment).state is UNKNOWN
    world.sync["pulltransactions"] = said(ResponseCode="1001", Response=[[]])
    for _ in range(3):
        world.query()
        world.submit()
    assert len(world.gateway.posted("stkpush/")) == 1
    world.call_back(world.reload(payment), CheckoutRequestID=f"ws_CO_{payment.token[:9]}")
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (COMPLETED, 100_00)


def test_row_06_the_user_may_try_again_and_both_payments_are_credited(world: MpesaWorld) -> None:
    user = world.customer()
    world.sync["stkpush/"] = None
    first = world.deposit(user, 100)
    world.submit()
    world.age(first, timedelta(minutes=3))
    del world.sync["stkpush/"]
    second = world.deposit(user, 100)
    world.submit()
    for payment in (first, second):
        world.call_back(world.reload(payment), CheckoutRequestID=f"ws_CO_{payment.token[:9]}")
        world.post(f"/hooks/stk/{payment.token}", prompt_body(world.reload(payment)))
    world.process()
    assert world.balance(user) == 200_00


def test_row_06_pull_finds_a_payment_whose_answer_and_callback_were_lost(
    world: MpesaWorld,
) -> None:
    user = world.customer()
    world.sync["stkpush/"] = None
    payment = world.deposit(user, 100)
    world.submit()
    row = {
        "transactionId": "TKROW6PULL",
        "amount": "100.00",
        "billreference": payment.account_reference,
    }
    world.sync["pulltransactions"] = said(ResponseCode="1000", Response=[[row]])
    world.query()
    done = world.reload(payment)
    assert (done.state, done.mpesa_receipt) == (COMPLETED, "TKROW6PULL")
    assert world.balance(user) == 100_00


def test_row_07_lost_sync_answer_of_a_payout_keeps_the_hold_and_its_id(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)
    world.sync["b2c/v3"] = None
    payment = world.withdraw(user, 400)
    world.submit()
    assert (world.reload(payment).state, world.balance(user)) == (UNKNOWN, 600_00)
    assert world.told(user)[-1] == "withdrawal_pending"
    world.query()
    assert len(world.gateway.posted("b2c/v3")) == 1
    world.sync["b2c/v3"] = refused(500, "500.002.1001", "Duplicate OriginatorConversationID.")
    world.query()
    sent = world.gateway.posted("b2c/v3")
    assert {body["OriginatorConversationID"] for body in sent} == {
        payment.originator_conversation_id
    }
    assert (world.reload(payment).state, world.balance(user)) == (PENDING, 600_00)


@pytest.mark.parametrize("shape", ["echo", "envelope", "empty"])
def test_row_08_a_timeout_in_any_shape_keeps_the_hold_and_no_secret(
    world: MpesaWorld, shape: str
) -> None:
    user, payment = paid_out(world)
    envelope = {"Result": {"ResultType": 1, "ResultCode": "0", "ResultDesc": "timed out"}}
    echo = {"CommandID": "BusinessPayment", "SecurityCredential": "open-sesame"}
    body = {"echo": echo, "envelope": envelope, "empty": b""}[shape]
    assert world.post(f"/hooks/b2c/{payment.token}/timeout", body).status_code == 200
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (UNKNOWN, 600_00)
    assert b"open-sesame" not in world.inbox(payment.token)[0].body


def test_row_08_timeout_then_result_settles(world: MpesaWorld) -> None:
    user, payment = paid_out(world)
    world.post(f"/hooks/b2c/{payment.token}/timeout", {"CommandID": "BusinessPayment"})
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (UNKNOWN, 600_00)
    world.result(payment)
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (COMPLETED, 600_00)


def test_row_09_queue_timeout_after_success_is_only_recorded(world: MpesaWorld) -> None:
    user, payment = paid_out(world)
    world.result(payment)
    world.process()
    world.post(f"/hooks/b2c/{payment.token}/timeout", b"")
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (COMPLETED, 600_00)
    assert world.verdicts(payment.token)[-1] == ("processed", "recorded_after_verdict")


def test_row_10_system_internal_error_is_unknown_and_no_duplicate(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)
    world.sync["b2c/v3"] = refused(500, "500.002.1001", "System internal error.")
    payment = world.withdraw(user, 400)
    world.submit()
    assert (world.reload(payment).state, world.balance(user)) == (UNKNOWN, 600_00)
    world.query()
    (question,) = world.gateway.posted("transactionstatus")
    assert question["OriginalConversationID"] == payment.originator_conversation_id


def test_row_11_forged_success_without_the_token_credits_nothing(world: MpesaWorld) -> None:
    user, payment = prompted(world)
    world.sync["stkpushquery"] = PROCESSING
    assert world.call_back(payment, token="forged" * 5).status_code == 200
    world.process()
    assert world.balance(user) == 0
    assert world.verdicts("forged" * 5) == [("quarantined", "wrong_token")]
    world.query()
    assert (world.reload(payment).state, world.balance(user)) == (PENDING, 0)


def test_row_11_forged_success_for_nothing_we_know_is_quarantined(world: MpesaWorld) -> None:
    _, payment = prompted(world)
    world.call_back(payment, token="nothing" * 4, CheckoutRequestID="ws_CO_never_seen")
    for _ in range(7):
        world.process()
    assert world.verdicts("nothing" * 4) == [("quarantined", "no_such_payment")]


def test_row_11_forged_success_is_credited_only_when_the_query_says_so(world: MpesaWorld) -> None:
    user, payment = prompted(world)
    world.call_back(payment, token="guess" * 6)
    world.process()
    world.sync["stkpushquery"] = PAID
    world.query()
    assert (world.reload(payment).settled_by, world.balance(user)) == ("query", 100_00)


def test_row_12_changed_amount_is_not_credited(world: MpesaWorld) -> None:
    user, payment = prompted(world)
    world.call_back(payment, Amount=9000)
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (PENDING, 0)
    assert world.reload(payment).review_reason == "amount_mismatch"
    assert world.verdicts(payment.token) == [("quarantined", "amount_mismatch")]
    world.call_back(payment)
    world.process()
    assert world.balance(user) == 100_00


def test_row_13_another_payer_waits_for_the_query(world: MpesaWorld) -> None:
    user, payment = prompted(world)
    world.call_back(payment, PhoneNumber=254700000001)
    world.process()
    assert world.balance(user) == 0
    assert world.verdicts(payment.token) == [("quarantined", "payer_mismatch")]
    assert user.msisdn.startswith("+254")


@pytest.mark.parametrize("spelling", ["0{}", "+254{}", "254{}", "254*****{}"])
def test_row_13_the_same_payer_in_another_spelling_is_credited(
    world: MpesaWorld, spelling: str
) -> None:
    user, payment = prompted(world)
    world.call_back(payment, PhoneNumber=spelling.format(user.msisdn[4:]))
    world.process()
    assert world.balance(user) == 100_00


@pytest.mark.parametrize("amount", [100, 100.0, "100", "100.00", " 100.0 "])
def test_row_14_amounts_in_every_type_are_the_same(world: MpesaWorld, amount: object) -> None:
    user, payment = prompted(world)
    world.call_back(payment, Amount=amount)
    world.process()
    assert world.balance(user) == int(Decimal(100) * 100)


def test_row_15_a_receipt_pays_for_one_payment_only(world: MpesaWorld) -> None:
    first_user, first = prompted(world)
    second_user, second = prompted(world)
    receipt = new_mpesa_receipt()
    world.call_back(first, MpesaReceiptNumber=receipt)
    world.process()
    world.call_back(second, MpesaReceiptNumber=receipt)
    world.process()
    assert (world.balance(first_user), world.balance(second_user)) == (100_00, 0)
    assert world.verdicts(second.token) == [("quarantined", "receipt_used")]


@pytest.mark.parametrize("twin_first", [True, False])
def test_row_15_the_paybill_twin_of_a_prompt_is_the_same_money(
    world: MpesaWorld, twin_first: bool
) -> None:
    user, payment = prompted(world)
    receipt = new_mpesa_receipt()
    twin = {"TransID": receipt, "BillRefNumber": payment.account_reference}
    steps = [
        lambda: world.paybill(**twin),
        lambda: world.call_back(payment, MpesaReceiptNumber=receipt),
    ]
    for step in steps if twin_first else reversed(steps):
        assert step().status_code == 200
        world.process()
    assert (world.reload(payment).mpesa_receipt, world.balance(user)) == (receipt, 100_00)
    assert world.told(user) == ["deposit_received"]


@pytest.mark.parametrize("date", [20261123121530, "20261123121530", None, "soon"])
def test_row_16_transaction_dates_in_every_type(world: MpesaWorld, date: object) -> None:
    user, payment = prompted(world)
    world.call_back(payment, TransactionDate=date)
    world.process()
    assert world.balance(user) == 100_00


def test_row_17_success_without_metadata_waits_for_the_query(world: MpesaWorld) -> None:
    user, payment = prompted(world)
    missing = {"Amount": None, "MpesaReceiptNumber": None, "PhoneNumber": None}
    world.call_back(payment, **missing, TransactionDate=None)
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (PENDING, 0)
    assert world.verdicts(payment.token) == [("quarantined", "success_without_details")]
    world.sync["stkpushquery"] = PAID
    world.query()
    assert world.balance(user) == 100_00


def test_row_18_a_balance_item_without_value_is_ignored(world: MpesaWorld) -> None:
    user, payment = prompted(world)
    body = prompt_body(payment)
    assert {"Name": "Balance"} in body["Body"]["stkCallback"]["CallbackMetadata"]["Item"]
    world.post(f"/hooks/stk/{payment.token}", body)
    world.process()
    assert world.balance(user) == 100_00


@pytest.mark.parametrize("form", ["masked", "hash", "plain", "missing"])
def test_row_19_paybill_goes_by_account_number_whatever_the_msisdn(
    world: MpesaWorld, form: str
) -> None:
    user = world.customer()
    msisdn = {
        "masked": "2547 ***** 126",
        "hash": daraja_hash(user.msisdn),
        "plain": user.msisdn.removeprefix("+"),
        "missing": None,
    }[form]
    world.paybill(BillRefNumber=f" 0{user.msisdn[4:7]} {user.msisdn[7:]}-", MSISDN=msisdn)
    world.process()
    assert world.balance(user) == 100_00


def test_row_19_a_wallet_number_is_an_account_number(world: MpesaWorld) -> None:
    user = world.customer()
    world.paybill(BillRefNumber=user.wallet_number.lower())
    world.process()
    assert (world.balance(user), world.told(user)) == (100_00, ["deposit_received"])


def test_row_20_unknown_account_is_refused_before_and_held_after(world: MpesaWorld) -> None:
    held_before = suspense(world)
    receipt = new_mpesa_receipt()
    payer = world.customer()
    hashed = daraja_hash(payer.msisdn)
    question = world.paybill("validate", BillRefNumber="NOBODY")
    assert question.json == {"ResultCode": "C2B00012", "ResultDesc": "Rejected"}
    world.paybill(BillRefNumber="NOBODY", TransID=receipt, MSISDN=hashed)
    world.process()
    (payment,) = world.paybill_payments(receipt)
    assert (payment.state, payment.suspense_reason) == (COMPLETED, "unknown_account")
    assert payment.msisdn == payer.msisdn
    assert (world.balance(payer), suspense(world) - held_before) == (0, 100_00)
