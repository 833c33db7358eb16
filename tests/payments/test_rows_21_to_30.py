"""Rows 21 to 30 of table 2.2 of the facts about Daraja: what fails in the field."""

import pytest

from ledger.core.context import Context
from ledger.core.payments import PaymentState
from ledger.queries import payments as payment_queries
from tests.gateway import refused, said
from tests.mpesa_world import MpesaWorld, new_mpesa_receipt, result_body
from tests.payments.situations import (
    COMPLETED,
    FAILED,
    PAID,
    PENDING,
    PROCESSING,
    UNKNOWN,
    paid_out,
    prompted,
)


def test_row_21_validation_posts_nothing(world: MpesaWorld) -> None:
    user = world.customer()
    answer = world.paybill("validate", BillRefNumber=user.msisdn)
    world.process()
    assert answer.json == {"ResultCode": "0", "ResultDesc": "Accepted"}
    assert (world.balance(user), world.told(user)) == (0, [])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"TransAmount": "500001"}, "C2B00013"),
        ({"TransAmount": "-1"}, "C2B00013"),
        ({"TransAmount": None}, "C2B00013"),
        ({"BusinessShortCode": "111111"}, "C2B00015"),
        ({"BillRefNumber": ""}, "C2B00012"),
    ],
)
def test_row_21_validation_says_what_is_wrong(
    world: MpesaWorld, changes: dict[str, str | None], code: str
) -> None:
    user = world.customer()
    answer = world.paybill("validate", **({"BillRefNumber": user.msisdn} | changes))
    assert answer.json == {"ResultCode": code, "ResultDesc": "Rejected"}


def test_row_22_query_success_completes_and_the_twin_brings_the_receipt(
    world: MpesaWorld,
) -> None:
    user, payment = prompted(world)
    world.sync["stkpushquery"] = PAID
    world.query()
    receipt = new_mpesa_receipt()
    world.paybill(TransID=receipt, BillRefNumber=payment.account_reference)
    world.process()
    assert (world.reload(payment).mpesa_receipt, world.balance(user)) == (receipt, 100_00)
    assert world.told(user) == ["deposit_received"]


def test_row_23_the_first_verdict_of_a_flapping_query_stands(world: MpesaWorld) -> None:
    user, payment = prompted(world)
    world.sync["stkpushquery"] = PAID
    world.query()
    world.sync["stkpushquery"] = refused(200, "500.001.1001", "")
    world.query()
    world.sync["stkpushquery"] = said(ResponseCode="0", ResultCode="1032", ResultDesc="Cancelled")
    world.query()
    assert (world.reload(payment).state, world.balance(user)) == (COMPLETED, 100_00)


@pytest.mark.parametrize(
    "answer",
    [
        PROCESSING,
        refused(500, "500.001.1001", "The transaction does not Exist"),
        refused(200, "500.001.1001", ""),
        said(ResponseCode="0", ResultCode="4999", ResultDesc="still under processing"),
        (503, b"<html>Incapsula</html>"),
        None,
    ],
)
def test_row_23_no_answer_of_a_query_is_a_verdict(world: MpesaWorld, answer: object) -> None:
    _, payment = prompted(world)
    world.sync["stkpushquery"] = answer  # type: ignore[assignment]
    world.query()
    assert world.reload(payment).state is PENDING


def test_row_24_paying_by_hand_after_a_timeout_is_a_payment_of_its_own(world: MpesaWorld) -> None:
    user, payment = prompted(world)
    world.call_back(payment, ResultCode=1037)
    world.process()
    world.paybill(BillRefNumber=user.msisdn)
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (FAILED, 100_00)


def test_row_25_a_code_as_text_is_the_same_code(world: MpesaWorld) -> None:
    user, payment = prompted(world)
    world.call_back(payment, ResultCode="0")
    world.process()
    assert world.balance(user) == 100_00


@pytest.mark.parametrize("code", ["SFC_IC0003", 987654, "R000001"])
def test_row_25_an_unknown_code_fails_a_deposit_and_is_shown(
    world: MpesaWorld, code: object
) -> None:
    user, payment = prompted(world)
    world.call_back(payment, ResultCode=code)
    world.process()
    done = world.reload(payment)
    assert (done.state, done.result_code, world.balance(user)) == (FAILED, str(code), 0)
    assert done.review_reason is not None
    assert world.told(user) == ["deposit_failed"]


@pytest.mark.parametrize("code", [17, "26", 15, "100000011", "made-up"])
def test_row_25_a_code_in_no_list_never_releases_a_hold(world: MpesaWorld, code: object) -> None:
    user, payment = paid_out(world)
    world.result(payment, code)
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (UNKNOWN, 600_00)
    world.status(payment, "Declined")
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (FAILED, 1000_00)


def test_row_26_one_object_stands_for_a_list(world: MpesaWorld) -> None:
    user, payment = paid_out(world)
    single = {"ResultParameter": {"Key": "TransactionAmount", "Value": "400.00"}}
    world.result(payment, "0", ResultParameters=single, ReferenceData=[{"Key": "x"}])
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (COMPLETED, 600_00)


def test_row_27_a_result_for_an_unknown_conversation_is_quarantined(world: MpesaWorld) -> None:
    body = {"Result": {"ResultCode": 0, "ConversationID": "AG_1", "ResultDesc": ""}}
    assert world.post("/hooks/b2c/0123456789abcdef/result", body).status_code == 200
    for _ in range(6):
        world.process()
        assert world.verdicts("0123456789abcdef") == [("received", None)]
    world.process()
    assert world.verdicts("0123456789abcdef") == [("quarantined", "no_such_payment")]
    found = payment_queries.quarantined(world.database, Context("admin:1", "console"))
    assert "0123456789abcdef" in [callback.token for callback in found]


def test_row_27_a_result_that_came_before_its_conversation_is_matched_later(
    world: MpesaWorld,
) -> None:
    user = world.customer(wallet_shillings=1000)
    payment = world.withdraw(user, 400)
    early = result_body(payment, ConversationID="AG_EARLY", OriginatorConversationID="gateway-made")
    token = "stranger" + new_mpesa_receipt()
    world.post(f"/hooks/b2c/{token}/result", early)
    world.process()
    world.sync["b2c/v3"] = said(ResponseCode="0", ConversationID="AG_EARLY")
    world.submit()
    world.process()
    # It names the payment and is not believed: its token is not the payment's.
    assert world.verdicts(token) == [("quarantined", "wrong_token")]
    assert (world.reload(payment).state, world.balance(user)) == (PENDING, 600_00)
    assert world.inbox(token)[0].payment_id == payment.id


def test_row_28_a_result_on_the_timeout_route_is_a_result(world: MpesaWorld) -> None:
    user, payment = paid_out(world)
    world.result(payment, route="timeout")
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (COMPLETED, 600_00)


def test_row_28_an_echoed_request_on_the_result_route_is_a_timeout(world: MpesaWorld) -> None:
    user, payment = paid_out(world)
    world.post(f"/hooks/b2c/{payment.token}/result", {"CommandID": "BusinessPayment"})
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (UNKNOWN, 600_00)


def test_row_29_a_replaced_token_is_fetched_once_and_the_prompt_sent_once_more(
    world: MpesaWorld,
) -> None:
    user = world.customer()
    normal = world.gateway.reply
    world.gateway.reply = lambda path, token, body: (
        refused(404, "404.001.03", "Invalid Access Token")
        if token == "token1"
        else normal(path, token, body)
    )
    payment = world.deposit(user, 100)
    world.submit()
    assert world.reload(payment).state is PENDING
    assert (world.gateway.oauth_calls, len(world.gateway.posted("stkpush/"))) == (2, 2)


def test_row_30_secrets_in_answers_and_echoes_are_stored_nowhere(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)
    world.sync["b2c/v3"] = refused(
        401, "401.002.01", "Error Occurred - Invalid Access Token - c9SQxWWhmdVRlyh0"
    )
    payment = world.withdraw(user, 400)
    world.submit()
    waiting = world.reload(payment)
    assert "c9SQ" not in (waiting.result_text or "")
    assert (waiting.state, world.balance(user)) == (PaymentState.CREATED, 600_00)
