"""Amounts: what people type, and how cents are shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.money import (
    AmountProblem,
    decimal_text,
    kes,
    ksh,
    parse_amount,
    share_half_up,
)


@pytest.mark.parametrize(
    ("text", "cents"),
    [("500", 50_000), ("10.5", 1_050), ("10.50", 1_050), ("0.01", 1), (" 7 ", 700), ("007", 700)],
)
def test_amounts_that_people_type_are_read(text: str, cents: int) -> None:
    assert parse_amount(text) == cents


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-5",
        "+5",
        "1e3",
        "1E9",
        "٣",
        "१०",
        "10.005",
        "10.",
        ".5",
        "1,000",
        "NaN",
        "inf",
        "5 0",
        "0x10",
        "1_000",
        "9" * 400,
        "9" * 13,
        "5\n",
        "\t5",
        "５００",
        "1.2.3",
        "Ksh5",
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    assert parse_amount(text) is AmountProblem.NOT_A_NUMBER


@pytest.mark.parametrize("text", ["0", "0.0", "0.00", "000"])
def test_nothing_is_not_an_amount_to_move(text: str) -> None:
    assert parse_amount(text) is AmountProblem.NOT_POSITIVE


def test_m_pesa_moves_whole_shillings_only() -> None:
    assert parse_amount("10.50", whole_shillings=True) is AmountProblem.NOT_WHOLE_SHILLINGS
    assert parse_amount("10.00", whole_shillings=True) == 1_000


@given(st.integers(min_value=1, max_value=999_999_999_999_99))
def test_what_is_shown_reads_back_as_the_same_cents(cents: int) -> None:
    assert parse_amount(decimal_text(cents)) == cents


@given(st.text(max_size=30))
def test_any_text_gets_an_answer_and_only_positive_cents(text: str) -> None:
    answer = parse_amount(text)
    assert isinstance(answer, AmountProblem) or (type(answer) is int and answer > 0)


def test_amounts_are_shown_for_phones_documents_and_machines() -> None:
    assert ksh(100_000) == "Ksh1,000.00"
    assert kes(-5) == "KES -0.05"
    assert decimal_text(-100_001) == "-1000.01"


@pytest.mark.parametrize(
    ("cents", "share"), [(100_100, 4_505), (100_000, 4_500), (1, 0), (12, 1), (11, 0), (0, 0)]
)
def test_a_share_is_rounded_half_up_once(cents: int, share: int) -> None:
    # A28: 4.5 % of 1,001.00 is 45.045, charged as 45.05.
    assert share_half_up(cents, 450) == share


@given(st.integers(min_value=0, max_value=10**12), st.integers(min_value=0, max_value=10_000))
def test_a_share_is_never_more_than_half_a_cent_off(cents: int, rate: int) -> None:
    assert abs(share_half_up(cents, rate) * 10_000 - cents * rate) <= 5_000
