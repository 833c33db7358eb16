"""How answers of Africa's Talking are read (facts 1.5): by status code, never by a word."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.clients.africastalking import Outcome, read_answer

NUMBER = "+254712345678"


def answer(*recipients: object, message: str = "Sent to 1/1 Total Cost: KES 0.8000") -> object:
    return {"SMSMessageData": {"Message": message, "Recipients": list(recipients)}}


def recipient(code: object, **fields: object) -> dict[str, object]:
    return {
        "statusCode": code,
        "number": NUMBER,
        "status": "Success",
        "cost": "KES 0.8000",
        "messageId": "ATXid_1",
        **fields,
    }


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (100, Outcome.ACCEPTED),
        (101, Outcome.ACCEPTED),
        ("102", Outcome.ACCEPTED),
        (401, Outcome.ON_HOLD),
        (402, Outcome.SENDER_REFUSED),
        (403, Outcome.REFUSED),
        (404, Outcome.REFUSED),
        (405, Outcome.NO_CREDIT),
        (406, Outcome.OPTED_OUT),
        (407, Outcome.REFUSED),
        (409, Outcome.REFUSED),
        (500, Outcome.TRY_LATER),
        (501, Outcome.TRY_LATER),
        (502, Outcome.TRY_LATER),
        (999, Outcome.TRY_LATER),
        ("soon", Outcome.UNKNOWN),
        (None, Outcome.UNKNOWN),
    ],
)
def test_the_status_code_decides(code: object, outcome: Outcome) -> None:
    assert read_answer(answer(recipient(code)), [NUMBER])[NUMBER].outcome is outcome


def test_an_answer_left_as_text_is_read_too() -> None:
    sent = read_answer(json.dumps(answer(recipient(101))), [NUMBER])[NUMBER]
    assert (sent.provider_id, sent.cost) == ("ATXid_1", "KES 0.8000")


def test_an_invalid_sender_comes_without_recipients() -> None:
    sent = read_answer(answer(message="InvalidSenderId"), [NUMBER])[NUMBER]
    assert sent.outcome is Outcome.SENDER_REFUSED


def test_a_recipient_that_is_missing_is_unknown() -> None:
    other = "+254712345679"
    results = read_answer(answer(recipient(101)), [NUMBER, other])
    assert results[other].outcome is Outcome.UNKNOWN


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.one_of(json_values, json_values.map(lambda value: {"SMSMessageData": value})))
def test_no_answer_whatsoever_raises(value: object) -> None:
    assert read_answer(value, [NUMBER])[NUMBER].outcome is Outcome.UNKNOWN
