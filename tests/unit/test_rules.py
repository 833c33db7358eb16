"""Limits, tariffs, refusals' precedence, and plans that can't be wrong."""

from datetime import UTC, date, datetime

import pytest

from ledger.core.chart import Kind
from ledger.core.plans import RECEIPT_ALPHABET, Plan, moving, new_receipt
from ledger.core.refusals import Refusal, RefusalCode, first
from ledger.core.rules import Limit, Rules, nairobi_day

RULES = Rules(
    limits={
        "transfer": Limit(minimum=1_000, maximum=10_000, daily=15_000),
        "withdrawal": Limit(minimum=1_000, maximum=25_000_000, daily=50_000_000),
        "deposit": Limit(minimum=100, maximum=25_000_000, daily=50_000_000),
    },
    wallet_maximum=50_000_000,
    bands={"withdrawal": ((10_000, 0), (150_000, 500), (500_000, 900))},
)


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (0, RefusalCode.AMOUNT_INVALID),
        (-5, RefusalCode.AMOUNT_INVALID),
        (999, RefusalCode.AMOUNT_TOO_SMALL),
        (1_000, None),
        (10_000, None),
        (10_001, RefusalCode.AMOUNT_TOO_LARGE),
    ],
)
def test_an_amount_is_held_against_its_limits(amount: int, code: RefusalCode | None) -> None:
    refusal = RULES.refuse_amount("transfer", amount)
    assert (refusal.code if refusal else None) == code


def test_cents_move_between_wallets_but_not_towards_m_pesa() -> None:
    assert RULES.refuse_amount("transfer", 1_050) is None
    refusal = RULES.refuse_amount("withdrawal", 1_050)
    assert refusal is not None
    assert refusal.code is RefusalCode.WHOLE_SHILLINGS_ONLY


@pytest.mark.parametrize(
    ("amount", "fee"),
    [(10_000, 0), (10_001, 500), (150_000, 500), (150_001, 900), (500_000, 900), (900_000, 900)],
)
def test_a_fee_is_that_of_the_band_the_amount_falls_in(amount: int, fee: int) -> None:
    assert RULES.fee("withdrawal", amount) == fee


def test_what_has_no_tariff_is_free() -> None:
    assert RULES.fee("transfer", 10_000) == 0


def test_the_day_changes_at_midnight_in_nairobi() -> None:
    assert nairobi_day(datetime(2026, 11, 23, 20, 59, 59, tzinfo=UTC)) == date(2026, 11, 23)
    assert nairobi_day(datetime(2026, 11, 23, 21, 0, tzinfo=UTC)) == date(2026, 11, 24)


def test_the_refusal_that_stands_first_in_the_list_is_given() -> None:
    poor, strange = Refusal(RefusalCode.INSUFFICIENT_FUNDS), Refusal(RefusalCode.RECIPIENT_UNKNOWN)
    assert first((poor, None, strange)) is strange
    assert first((None, None)) is None


@pytest.mark.parametrize(
    "debits",
    [{}, {1: 5}, {1: 5, 2: -4}, {1: 0, 2: 0}, {1: 10**14 + 1, 2: -(10**14 + 1)}],
)
def test_a_plan_that_does_not_balance_can_not_be_made(debits: dict[int, int]) -> None:
    with pytest.raises(ValueError, match="posting"):
        Plan(kind=Kind.DEPOSIT, source="s", reference="r", debits=debits, request={})


def test_the_same_request_has_the_same_digest_whatever_its_order() -> None:
    def plan(**request: int) -> Plan:
        return Plan(
            kind=Kind.DEPOSIT,
            source="s",
            reference="r",
            debits=moving(5, debit=1, credit=2),
            request=request,
        )

    assert plan(a=1, b=2).request_digest == plan(b=2, a=1).request_digest
    assert plan(a=1).request_digest != plan(a=2).request_digest


def test_receipts_have_ten_characters_that_nobody_confuses() -> None:
    receipts = {new_receipt() for _ in range(1_000)}
    assert len(receipts) == 1_000
    assert all(len(receipt) == 10 and set(receipt) <= set(RECEIPT_ALPHABET) for receipt in receipts)
    assert not set("01IOL") & set(RECEIPT_ALPHABET)
