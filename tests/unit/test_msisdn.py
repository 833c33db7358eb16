"""Kenyan numbers in every spelling, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.msisdn import (
    daraja_form,
    daraja_hash,
    is_stored_form,
    local_form,
    mask_msisdn,
    parse_msisdn,
)


@pytest.mark.parametrize(
    "text",
    [
        "0712345678",
        "712345678",
        "254712345678",
        "+254712345678",
        "00254712345678",
        "2540712345678",
        "0712 345 678",
        "0712-345-678",
        "(0712) 345678",
        "+254 712.345.678",
    ],
)
def test_spellings_of_one_number_are_one_number(text: str) -> None:
    assert parse_msisdn(text) == "+254712345678"


@pytest.mark.parametrize("text", ["0110123456", "0101234567", "+254140000000"])
def test_newer_blocks_are_kenyan_numbers_too(text: str) -> None:
    assert parse_msisdn(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "0712",
        "+255712345678",
        "+447911123456",
        "0202222222",
        "abc",
        "07123456789",
        "٠٧١٢٣٤٥٦٧٨",
        "+254" + "7" * 30,
        "0712345678\n",
        "+1 202 555 0100",
        "0712345678;DROP",
        "999",
    ],
)
def test_what_is_no_kenyan_mobile_number_is_refused(text: str) -> None:
    assert parse_msisdn(text) is None


@given(st.text(max_size=40))
def test_any_text_gives_a_stored_form_or_nothing(text: str) -> None:
    msisdn = parse_msisdn(text)
    assert msisdn is None or is_stored_form(msisdn)


def test_a_number_is_shown_masked_as_m_pesa_does() -> None:
    assert mask_msisdn("+254712345678") == "0712***678"
    assert local_form("+254110123456") == "0110123456"


def test_daraja_names_a_payer_by_the_hash_of_twelve_digits() -> None:
    # Known answer from Daraja 1.12, the portal's sample number.
    assert daraja_form("+254705912645") == "254705912645"
    assert (
        daraja_hash("+254705912645")
        == "94c392c311d522da950619227b3361752a42042db7e1e699b26e628305c68a88"
    )
