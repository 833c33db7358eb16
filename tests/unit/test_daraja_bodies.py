"""Bodies of every shape are read or turned down; nothing makes a reader raise."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.clients.mpesa import bodies, evidence
from jobs.tasks.read_float import read_balances
from ledger.core.float_balances import FloatBalances
from ledger.core.payments import Verdict

READERS: list[Callable[[bytes], object]] = [
    bodies.read_prompt_callback,
    bodies.read_result,
    bodies.read_paybill_notice,
    bodies.read_echoed_request,
]
NAMES = """
    Body stkCallback ResultCode CallbackMetadata Item Name Value Amount MpesaReceiptNumber
    PhoneNumber TransactionDate Result ResultParameters ResultParameter Key TransAmount TransID
    TransTime MSISDN CommandID OriginatorConversationID TransactionStatus Completed 0 1032
"""
WORDS = st.sampled_from(NAMES.split())
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | WORDS
    | st.decimals(allow_nan=True).map(str)
)
BODIES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=40,
)


@given(BODIES)
def test_any_json_is_read_or_turned_down(body: object) -> None:
    for wrapped in (body, {"Body": {"stkCallback": body}}, {"Result": body}):
        raw = json.dumps(wrapped).encode("utf-8", "surrogatepass")
        for reader in READERS:
            reader(raw)
        prompt, result = bodies.read_prompt_callback(raw), bodies.read_result(raw)
        assert wrapped is body or prompt is None or result is None
        if prompt is not None:
            evidence.of_prompt_callback(prompt)
        if result is not None:
            evidence.of_payout_result(result)
            evidence.of_reversal_result(result)
            evidence.of_status_result(result)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_turned_down(raw: bytes) -> None:
    assert [reader(raw) for reader in READERS].count(None) >= 3


@given(st.text(max_size=200))
def test_any_text_of_balances_is_read_or_turned_down(text: str) -> None:
    assert read_balances(text) is None or "Account" in text


def test_items_are_found_by_name_and_the_first_of_a_repeat_counts() -> None:
    items = [
        {"Name": "PhoneNumber", "Value": "0712345678"},
        {"Name": "Balance"},
        {"Name": "Amount", "Value": 10.0},
        {"Name": "Amount", "Value": 99},
        {"Name": "MpesaReceiptNumber", "Value": "TJ30000AAA"},
    ]
    callback = {"ResultCode": 0, "CallbackMetadata": {"Item": items}}
    read = bodies.read_prompt_callback(json.dumps({"Body": {"stkCallback": callback}}).encode())
    assert read is not None
    assert (read.amount, read.receipt, read.payer) == (1000, "TJ30000AAA", "+254712345678")


@pytest.mark.parametrize("dummy", ["OA90000000", "SKE0000000", "<b>", "", None, 0])
def test_a_dummy_transaction_id_is_no_receipt(dummy: object) -> None:
    body = {"Result": {"ResultCode": 0, "TransactionID": dummy}}
    read = bodies.read_result(json.dumps(body).encode())
    assert read is not None
    assert read.outer_receipt is None


@pytest.mark.parametrize("code", [0, "0", 0.0, " 0 "])
def test_zero_in_every_type_is_paid(code: object) -> None:
    body = {"Result": {"ResultCode": code, "TransactionID": "TJ30000AAA"}}
    read = bodies.read_result(json.dumps(body).encode())
    assert read is not None
    assert evidence.of_payout_result(read).verdict is Verdict.PAID


@pytest.mark.parametrize(
    ("fate", "outer", "verdict"),
    [
        ("Completed", 0, Verdict.PAID),
        ("Declined", "0", Verdict.NOT_PAID),
        ("Expired", 0, Verdict.NOT_PAID),
        ("Cancelled", 0, Verdict.NOT_PAID),
        ("Authorized", 0, Verdict.OPEN),
        ("Completed", 2001, Verdict.OPEN),
        (None, 25, Verdict.OPEN),
    ],
)
def test_a_status_answer_speaks_only_when_the_question_worked(
    fate: str | None, outer: object, verdict: Verdict
) -> None:
    parameter = {"Key": "Transaction Status", "Value": fate}
    body = {"Result": {"ResultCode": outer, "ResultParameters": {"ResultParameter": parameter}}}
    read = bodies.read_result(json.dumps(body).encode())
    assert read is not None
    assert evidence.of_status_result(read).verdict is verdict


def test_balances_are_found_by_name_whatever_stands_between() -> None:
    text = (
        "Working Account|KES|700000.00|700000.00|0.00|0.008&Float Account|KES|0.00|0.00|0.00|0.00"
        "&Utility Account|KES|228037.00|228037.00|0.00|0.00"
        "&Charges Paid Account|KES|-1540.00|-1540.00|0.00|0.00"
    )
    assert read_balances(text) == FloatBalances(700_000_00, 228_037_00, -1_540_00)
    assert read_balances("nothing") is None
