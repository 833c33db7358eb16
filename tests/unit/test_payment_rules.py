"""The decision table: what holds for every payment and every statement about it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.payments import (
    OPEN_STATES,
    Evidence,
    EvidenceSource,
    Payment,
    PaymentKind,
    PaymentState,
    Schedule,
    Step,
    Verdict,
    decide,
)

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def payment_in(
    state: PaymentState, kind: PaymentKind = PaymentKind.DEPOSIT, receipt: str | None = None
) -> Payment:
    return Payment(
        id=1,
        kind=kind,
        state=state,
        user_id=1000,
        msisdn="+254712345678",
        amount=100_00,
        fee=0,
        token="t",
        account_reference="A",
        source="s",
        reference="r",
        channel="ussd",
        checkout_request_id="ws_CO_1",
        merchant_request_id=None,
        originator_conversation_id="ours" if kind is PaymentKind.WITHDRAWAL else None,
        conversation_id="AG_1" if kind is PaymentKind.WITHDRAWAL else None,
        mpesa_receipt=receipt,
        result_code=None,
        result_text=None,
        settled_by=None,
        transaction_id=None,
        hold_transaction_id=None,
        reverses_payment_id=None,
        suspense_reason=None,
        suspense_resolution=None,
        review_reason=None,
        payer_name=None,
        attempts=1,
        questions=0,
        due_at=None,
        created_at=NOW,
        submitted_at=NOW,
        paid_at=None,
        settled_at=None,
    )


EVIDENCE = st.builds(
    Evidence,
    source=st.sampled_from(EvidenceSource),
    verdict=st.sampled_from(Verdict),
    code=st.sampled_from(["0", "1032", "x"]),
    amount=st.sampled_from([None, 100_00, 90_00]),
    payer=st.sampled_from([None, "+254712345678", "+254700000000"]),
    receipt=st.sampled_from([None, "R1AAAAAAAA", "R2AAAAAAAA"]),
    checkout_request_id=st.sampled_from([None, "ws_CO_1", "ws_CO_2"]),
    conversation_id=st.sampled_from([None, "AG_1", "AG_2"]),
    originator_conversation_id=st.sampled_from([None, "ours", "theirs"]),
    complete=st.booleans(),
    token_matched=st.booleans(),
    address_known=st.booleans(),
)
PAYMENTS = st.builds(
    payment_in,
    st.sampled_from(PaymentState),
    st.sampled_from([PaymentKind.DEPOSIT, PaymentKind.WITHDRAWAL]),
    st.sampled_from([None, "R1AAAAAAAA"]),
)


@given(PAYMENTS, EVIDENCE)
def test_nothing_moves_a_completed_payment_to_another_state(
    payment: Payment, evidence: Evidence
) -> None:
    step = decide(payment, evidence).step
    if payment.state is PaymentState.COMPLETED:
        assert step in (Step.ATTACH, Step.NOTHING, Step.CONFLICT)


@given(PAYMENTS, EVIDENCE)
def test_money_moves_only_on_a_statement_that_fits_in_every_point(
    payment: Payment, evidence: Evidence
) -> None:
    if decide(payment, evidence).step is Step.COMPLETE:
        assert evidence.verdict is Verdict.PAID
        assert evidence.complete
        assert evidence.token_matched
        assert evidence.address_known
        assert evidence.amount in (None, payment.amount)
        if payment.kind is PaymentKind.DEPOSIT:
            assert evidence.payer in (None, payment.msisdn)
            assert evidence.checkout_request_id in (None, "ws_CO_1")


@given(PAYMENTS, EVIDENCE)
def test_only_a_matching_failure_closes_a_payment(payment: Payment, evidence: Evidence) -> None:
    if decide(payment, evidence).step is Step.FAIL:
        assert evidence.verdict is Verdict.NOT_PAID
        assert evidence.token_matched
        assert evidence.address_known
        assert payment.state in OPEN_STATES | {PaymentState.EXPIRED}


PENDING, COMPLETED = PaymentState.PENDING, PaymentState.COMPLETED
FAILED, EXPIRED = PaymentState.FAILED, PaymentState.EXPIRED
DECISIONS = [
    (PENDING, Verdict.PAID, {}, Step.COMPLETE, "success"),
    (FAILED, Verdict.PAID, {}, Step.COMPLETE, "late_success"),
    (PENDING, Verdict.PAID, {"complete": False}, Step.ASK, "success_without_details"),
    (PENDING, Verdict.PAID, {"token_matched": False}, Step.ASK, "wrong_token"),
    (PENDING, Verdict.PAID, {"address_known": False}, Step.ASK, "foreign_address"),
    (PENDING, Verdict.NOT_PAID, {"address_known": False}, Step.ASK, "foreign_address"),
    (FAILED, Verdict.NOT_PAID, {"address_known": False}, Step.NOTHING, "foreign_address"),
    (PENDING, Verdict.PAID, {"checkout_request_id": "x"}, Step.ASK, "identifier_mismatch"),
    (PENDING, Verdict.PAID, {"amount": 90_00}, Step.ASK, "amount_mismatch"),
    (PENDING, Verdict.PAID, {"payer": "+254700000000"}, Step.ASK, "payer_mismatch"),
    (COMPLETED, Verdict.PAID, {}, Step.NOTHING, "repeated"),
    (COMPLETED, Verdict.PAID, {"receipt": "R1AAAAAAAA"}, Step.NOTHING, "repeated"),
    (COMPLETED, Verdict.PAID, {"receipt": "R2AAAAAAAA"}, Step.CONFLICT, "second_receipt"),
    (COMPLETED, Verdict.PAID, {"amount": 90_00}, Step.CONFLICT, "amount_mismatch"),
    (COMPLETED, Verdict.NOT_PAID, {}, Step.CONFLICT, "failure_after_success"),
    (FAILED, Verdict.NOT_PAID, {}, Step.NOTHING, "repeated"),
    (PENDING, Verdict.NOT_PAID, {}, Step.FAIL, "failure"),
    (EXPIRED, Verdict.NOT_PAID, {}, Step.FAIL, "failure"),
    (FAILED, Verdict.OPEN, {}, Step.NOTHING, "recorded_after_verdict"),
    (PENDING, Verdict.OPEN, {}, Step.DOUBT, "no_verdict"),
    (PENDING, Verdict.OPEN, {"source": EvidenceSource.QUERY}, Step.NOTHING, "no_answer_yet"),
]


@pytest.mark.parametrize(("state", "verdict", "changes", "step", "reason"), DECISIONS)
def test_each_decision_has_its_reason(
    state: PaymentState, verdict: Verdict, changes: dict[str, Any], step: Step, reason: str
) -> None:
    payment = payment_in(state, receipt="R1AAAAAAAA" if state is COMPLETED else None)
    evidence = replace(Evidence(EvidenceSource.CALLBACK, verdict, "0"), **changes)
    decision = decide(payment, evidence)
    assert (decision.step, decision.reason) == (step, reason)


def test_a_receipt_that_comes_later_is_attached() -> None:
    evidence = Evidence(EvidenceSource.CALLBACK, Verdict.PAID, "0", receipt="R1AAAAAAAA")
    assert decide(payment_in(COMPLETED), evidence).step is Step.ATTACH


@pytest.mark.parametrize("state", [PaymentState.FAILED, PaymentState.EXPIRED])
def test_a_verified_success_outranks_failure_and_expiry(state: PaymentState) -> None:
    paid = Evidence(EvidenceSource.CALLBACK, Verdict.PAID, "0", amount=100_00, receipt="R1AAAAAAAA")
    decision = decide(payment_in(state), paid)
    assert (decision.step, decision.reason) == (Step.COMPLETE, "late_success")


def test_one_matching_identifier_of_a_payout_is_enough() -> None:
    paid = Evidence(
        EvidenceSource.CALLBACK,
        Verdict.PAID,
        "0",
        conversation_id="AG_1",
        originator_conversation_id="made-by-the-gateway",
    )
    payout = payment_in(PaymentState.PENDING, PaymentKind.WITHDRAWAL)
    assert decide(payout, paid).step is Step.COMPLETE


def test_questions_follow_the_schedule() -> None:
    waits = [
        Schedule().next_question(PaymentKind.DEPOSIT, asked).total_seconds() for asked in range(6)
    ]
    assert waits == [30, 60, 120, 300, 3600, 3600]
