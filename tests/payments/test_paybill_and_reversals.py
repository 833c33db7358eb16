"""Money that names nobody, money on its way back, and the float."""

from dataclasses import replace
from datetime import timedelta

from jobs.tasks import query_payments, read_float, recover_paybills
from ledger.commands import deposit_reversals, paybill, submissions
from ledger.core.chart import SystemAccount
from ledger.core.context import Context
from ledger.core.payments import Payment
from ledger.core.people import User
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import accounts, float_readings
from ledger.queries import payments as payment_queries
from tests.gateway import refused, said
from tests.mpesa_world import TEST, MpesaWorld, new_mpesa_receipt
from tests.payments.situations import COMPLETED, FAILED, PAID, UNKNOWN, paid_out, prompted, suspense

ADMIN = Context("admin:7", "console")


def credited(world: MpesaWorld) -> tuple[User, Payment]:
    user, payment = prompted(world)
    world.call_back(payment)
    world.process()
    return user, world.reload(payment)


def unallocated(world: MpesaWorld, **changes: str) -> Payment:
    receipt = new_mpesa_receipt()
    world.paybill(**({"BillRefNumber": "NOBODY", "TransID": receipt} | changes))
    world.process()
    (payment,) = world.paybill_payments(receipt)
    return payment


def pending_total(world: MpesaWorld) -> int:
    with world.database.transaction(TEST) as connection:
        return accounts.system_balances(connection)[SystemAccount.PENDING_WITHDRAWALS]


def reverse(world: MpesaWorld, payment: Payment) -> Payment | Refusal:
    return deposit_reversals.request_reversal(world.database, ADMIN, payment.id, "sent by mistake")


def test_money_in_suspense_is_given_to_a_customer_once(world: MpesaWorld) -> None:
    user = world.customer()
    held_before = suspense(world)
    payment = unallocated(world)
    done = paybill.allocate(world.database, ADMIN, payment.id, user.msisdn)
    assert isinstance(done, Payment)
    assert (world.balance(user), suspense(world) - held_before) == (100_00, 0)
    assert world.told(user) == ["deposit_received"]
    again = paybill.allocate(world.database, ADMIN, payment.id, user.msisdn)
    assert again == world.reload(payment)
    assert (world.balance(user), world.told(user)) == (100_00, ["deposit_received"])
    other = paybill.allocate(world.database, ADMIN, payment.id, world.customer().msisdn)
    assert other == Refusal(RefusalCode.STATE_CONFLICT)


def test_a_transfer_between_businesses_is_nobodys_deposit_by_guess(world: MpesaWorld) -> None:
    user = world.customer()
    payment = unallocated(
        world,
        BillRefNumber=user.msisdn,
        TransactionType="Organization To Organization Transfer",
    )
    assert (payment.suspense_reason, world.balance(user)) == ("business_transfer", 0)


def test_the_same_confirmation_twice_is_booked_once(world: MpesaWorld) -> None:
    user = world.customer()
    receipt = new_mpesa_receipt()
    for _ in range(3):
        world.paybill(BillRefNumber=user.msisdn, TransID=receipt)
    world.process()
    assert (world.balance(user), world.told(user)) == (100_00, ["deposit_received"])


def test_a_confirmation_for_another_shortcode_is_quarantined(world: MpesaWorld) -> None:
    user = world.customer()
    world.paybill(BillRefNumber=user.msisdn, BusinessShortCode="111111")
    world.process()
    assert world.balance(user) == 0
    assert world.verdicts("paybill")[-1] == ("quarantined", "wrong_shortcode")


def test_a_question_about_an_account_is_kept_with_its_answer(world: MpesaWorld) -> None:
    user = world.customer()
    world.paybill("validate", BillRefNumber=user.msisdn, TransID="TKASKED001")
    world.paybill("validate", BillRefNumber="NOBODY", TransID="TKASKED002")
    key = world.services.settings.mpesa_c2b_keys[0].get_secret_value()
    world.post(f"/hooks/c2b/{key}/validate", b'{"SecurityCredential": "open-sesame"}')
    *_, taken, refusal, nonsense = world.inbox("paybill")
    assert (taken.kind, taken.state, taken.verdict) == ("c2b_validate", "processed", "0")
    assert b"TKASKED001" in taken.body
    assert (refusal.state, refusal.verdict) == ("processed", "C2B00012")
    assert (nonsense.state, nonsense.verdict) == ("unreadable", "C2B00013")
    assert b"open-sesame" not in nonsense.body
    assert (world.balance(user), world.told(user)) == (0, [])


def test_row_12_an_amount_that_its_validation_did_not_name_comes_from_m_pesas_list(
    world: MpesaWorld,
) -> None:
    user = world.customer()
    receipt = new_mpesa_receipt()
    notice = {"BillRefNumber": user.msisdn, "TransID": receipt}
    world.paybill("validate", **notice, TransAmount="143.00")
    world.paybill(**notice, TransAmount="1430.00")
    world.process()
    assert world.balance(user) == 0
    assert world.verdicts("paybill")[-1] == ("quarantined", "amount_mismatch")
    row = {
        "transactionId": receipt,
        "amount": "143.00",
        "billreference": user.msisdn,
        "transactiontype": "c2b-pay-bill-debit",
    }
    world.sync["pulltransactions"] = said(ResponseCode="1000", Response=[[row]])
    recover_paybills.run(world.services)
    assert (world.balance(user), world.told(user)) == (143_00, ["deposit_received"])
    world.paybill(**notice, TransAmount="143.00")
    world.process()
    assert world.balance(user) == 143_00


def test_row_12_where_m_pesa_asks_first_an_amount_nobody_asked_about_is_looked_up(
    world: MpesaWorld,
) -> None:
    validated = world.services.settings.model_copy(update={"mpesa_c2b_validated": True})
    world.services = replace(world.services, settings=validated)
    user = world.customer()
    receipt = new_mpesa_receipt()
    world.paybill(BillRefNumber=user.msisdn, TransID=receipt, TransAmount="1430.00")
    world.process()
    assert world.balance(user) == 0
    assert world.verdicts("paybill")[-1] == ("quarantined", "not_announced")
    row = {"transactionId": receipt, "amount": "143.00", "billreference": user.msisdn}
    row["transactiontype"] = "c2b-pay-bill-debit"
    world.sync["pulltransactions"] = said(ResponseCode="1000", Response=[[row]])
    recover_paybills.run(world.services)
    assert world.balance(user) == 143_00
    notice = {"BillRefNumber": user.msisdn, "TransID": new_mpesa_receipt()}
    for step in ("validate", "confirm"):
        world.paybill(step, **notice)
    world.process()
    assert world.balance(user) == 243_00


def test_row_12_the_true_confirmation_is_booked_though_a_false_one_came_first(
    world: MpesaWorld,
) -> None:
    user = world.customer()
    notice = {"BillRefNumber": user.msisdn, "TransID": new_mpesa_receipt()}
    world.paybill("validate", **notice, TransAmount="143.00")
    world.paybill(**notice, TransAmount="1430.00")
    world.paybill(**notice, TransAmount=143)
    world.process()
    assert (world.balance(user), world.told(user)) == (143_00, ["deposit_received"])


def test_a_reversal_holds_asks_and_posts(world: MpesaWorld) -> None:
    user, payment = credited(world)
    held_before = pending_total(world)
    made = reverse(world, payment)
    assert isinstance(made, Payment)
    assert (world.balance(user), pending_total(world) - held_before) == (0, 100_00)
    world.submit()
    (request,) = world.gateway.posted("reversal")
    assert request["TransactionID"] == payment.mpesa_receipt
    assert request["RecieverIdentifierType"] == "11"
    world.result(world.reload(made))
    world.process()
    assert (world.reload(made).state, world.balance(user)) == (COMPLETED, 0)
    assert pending_total(world) == held_before
    assert world.told(user) == ["deposit_received", "deposit_reversed"]


def test_a_failed_reversal_gives_the_money_back(world: MpesaWorld) -> None:
    user, payment = credited(world)
    made = reverse(world, payment)
    assert isinstance(made, Payment)
    world.submit()
    world.result(world.reload(made), "R000002")
    world.process()
    assert (world.reload(made).state, world.balance(user)) == (FAILED, 100_00)


def test_reversed_already_means_that_the_money_has_left(world: MpesaWorld) -> None:
    user, payment = credited(world)
    made = reverse(world, payment)
    assert isinstance(made, Payment)
    world.submit()
    world.result(world.reload(made), "R000001")
    world.process()
    assert (world.reload(made).state, world.balance(user)) == (COMPLETED, 0)


def test_what_is_spent_or_reversed_cannot_be_reversed(world: MpesaWorld) -> None:
    user, payment = credited(world)
    world.withdraw(user, 50)
    spent = reverse(world, payment)
    assert isinstance(spent, Refusal)
    assert spent.code is RefusalCode.INSUFFICIENT_FUNDS
    _, other = credited(world)
    assert isinstance(reverse(world, other), Payment)
    assert reverse(world, other) == Refusal(RefusalCode.ALREADY_REVERSED)


def test_money_in_suspense_is_returned_to_its_payer(world: MpesaWorld) -> None:
    held_before = suspense(world)
    payment = unallocated(world)
    made = reverse(world, payment)
    assert isinstance(made, Payment)
    assert suspense(world) == held_before
    world.submit()
    world.result(world.reload(made))
    world.process()
    assert world.reload(made).state is COMPLETED
    assert world.reload(payment).suspense_resolution == "reversed"
    user = world.customer()
    late = paybill.allocate(world.database, ADMIN, payment.id, user.msisdn)
    assert late == Refusal(RefusalCode.STATE_CONFLICT)


def float_answer(
    world: MpesaWorld, utility: str, question: dict[str, object] | None = None
) -> None:
    question = question or world.gateway.posted("accountbalance")[-1]
    path = str(question["ResultURL"]).removeprefix("https://wallet.example")
    text = f"Working Account|KES|5.00|5.00|0.00|0.00&Utility Account|KES|{utility}|0.00|0.00|0.00"
    parameters = [{"Key": "AccountBalance", "Value": text}]
    body = {"Result": {"ResultCode": 0, "ResultParameters": {"ResultParameter": parameters}}}
    assert world.post(path, body).status_code == 200
    world.process()


def test_the_float_is_read_hourly_and_a_full_one_ends_the_pause(world: MpesaWorld) -> None:
    with world.database.transaction(TEST) as connection:
        connection.execute("UPDATE float_readings SET state = 'failed'")
    user, payment = paid_out(world)
    world.result(payment, 1)
    world.process()
    read_float.run(world.services)
    read_float.run(world.services)
    assert len(world.gateway.posted("accountbalance")) == 1
    float_answer(world, "900000.00")
    shortcode = world.services.settings.mpesa_b2c_shortcode
    with world.database.transaction(TEST) as connection:
        (reading,) = float_readings.newest(connection, shortcode, 1)
        cash = accounts.system_balances(connection)[SystemAccount.CASH]
    assert (reading.utility, reading.working, reading.ledger_cash) == (900_000_00, 5_00, cash)
    assert isinstance(world.try_withdraw(user, 100), Payment)


def test_a_question_about_the_float_that_is_refused_is_asked_again(world: MpesaWorld) -> None:
    with world.database.transaction(TEST) as connection:
        connection.execute("UPDATE float_readings SET state = 'failed'")
    world.sync["accountbalance"] = refused(400, "400.002.02", "Invalid")
    read_float.run(world.services)
    del world.sync["accountbalance"]
    read_float.run(world.services)
    assert len(world.gateway.posted("accountbalance")) == 2


def test_operators_see_what_waits_and_find_a_checkout_in_the_ledger(world: MpesaWorld) -> None:
    _, waiting = prompted(world)
    world.age(waiting, timedelta(hours=5))
    _, done = credited(world)
    found = payment_queries.waiting_longer_than(world.database, ADMIN, hours=4)
    assert waiting.id in [payment.id for payment in found]
    assert done.id not in [payment.id for payment in found]
    assert done.checkout_request_id is not None
    assert (
        payment_queries.transaction_of_checkout(world.database, ADMIN, done.checkout_request_id)
        == done.transaction_id
    )
    assert payment_queries.transaction_of_checkout(world.database, ADMIN, "ws_CO_none") is None


def test_a_payout_in_doubt_is_told_once(world: MpesaWorld) -> None:
    user, payment = paid_out(world)
    for _ in range(3):
        world.post(f"/hooks/b2c/{payment.token}/timeout", b"")
        world.process()
    assert world.reload(payment).state is UNKNOWN
    assert world.told(user).count("withdrawal_pending") == 1


def test_a_payment_without_its_confirmation_is_found_in_m_pesas_list(world: MpesaWorld) -> None:
    user = world.customer()
    _, prompt = prompted(world)
    receipts = [new_mpesa_receipt() for _ in range(2)]
    rows = [
        {
            "transactionId": receipt,
            "amount": "100.00",
            "billreference": reference,
            "transactiontype": "c2b-pay-bill-debit",
        }
        for receipt, reference in zip(
            receipts, (user.msisdn, prompt.account_reference), strict=True
        )
    ]
    world.sync["pulltransactions"] = said(ResponseCode="1000", Response=[rows])
    for _ in range(2):
        recover_paybills.run(world.services)
    assert world.balance(user) == 100_00
    assert world.reload(prompt).state is COMPLETED
    world.paybill(BillRefNumber=user.msisdn, TransID=receipts[0])
    world.process()
    assert world.balance(user) == 100_00
    assert world.verdicts("paybill")[-1] == ("processed", "twin")


def test_an_operator_asks_about_everything_at_once(world: MpesaWorld) -> None:
    user, payment = prompted(world)
    assert submissions.ask_now(world.database) == 1
    world.sync["stkpushquery"] = PAID
    query_payments.run(world.services)
    assert (world.reload(payment).state, world.balance(user)) == (COMPLETED, 100_00)
