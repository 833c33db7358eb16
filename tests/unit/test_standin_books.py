"""M-Pesa's books in the stand-in: what holds for any run of payments, and fault draws."""

import threading
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standin.books import Books, Payment
from standin.clock import EAT, Clock
from standin.daraja.identifiers import date_prefix, receipt
from standin.faults import PLACES, BadRuleError, Faults
from standin.money import to_cents, to_shillings
from standin.tariffs import paybill, payout

PHONES = ("254712000001", "254712000002")
moves = st.lists(
    st.tuples(
        st.sampled_from(("in", "out", "back")),
        st.sampled_from(PHONES),
        st.integers(min_value=1, max_value=260_000).map(lambda shillings: shillings * 100),
    ),
    max_size=40,
)


def books(utility: int = 100_000_00) -> Books:
    return Books(Clock(), "600966", utility)


def payment(of: Books, kind: str, msisdn: str, amount: int) -> Payment:
    now = datetime.now(EAT)
    return of.open(Payment(kind, msisdn, amount, "ref", now, "600966"))


@given(moves)
def test_no_money_is_made_or_lost_and_nothing_goes_below_zero(
    steps: list[tuple[str, str, int]],
) -> None:
    world = books()
    paid: list[Payment] = []
    for move, msisdn, amount in steps:
        code = receipt(datetime.now(EAT))
        if move == "in":
            made = payment(world, "paybill", msisdn, amount)
            if world.pay_in(made, code).paid:
                paid.append(made)
        elif move == "out":
            world.pay_out(payment(world, "b2c", msisdn, amount), code)
        elif paid:
            original = paid[amount % len(paid)]
            back = payment(world, "reversal", original.msisdn, original.amount)
            world.take_back(back, original, code)
        assert world.imbalance() == 0
        assert world.utility >= 0
        assert all(world.customer(phone).balance >= 0 for phone in PHONES)


def test_two_payers_at_once_cannot_spend_the_same_money() -> None:
    world = books()
    world.set_balance(PHONES[0], 100_00)
    outcomes: list[bool] = []
    barrier = threading.Barrier(8)

    def pay() -> None:
        made = payment(world, "stk", PHONES[0], 60_00)
        barrier.wait()
        outcomes.append(world.pay_in(made, receipt(datetime.now(EAT))).paid)

    threads = [threading.Thread(target=pay) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(outcomes) == 1
    assert world.imbalance() == 0


def test_a_day_has_its_limit() -> None:
    world = books()
    world.set_balance(PHONES[0], 800_000_00)
    codes = [
        world.pay_in(payment(world, "stk", PHONES[0], 250_000_00), f"UKN000000{n}").code
        for n in range(3)
    ]
    assert codes == ["0", "0", "4"]


@pytest.mark.parametrize(
    ("day", "prefix"),
    [(date(2024, 7, 6), "SG6"), (date(2017, 1, 1), "LA1"), (date(2026, 12, 31), "ULV")],
)
def test_receipts_carry_their_date(day: date, prefix: str) -> None:
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=EAT)
    assert date_prefix(moment) == prefix
    assert receipt(moment).startswith(prefix)


def test_receipts_are_unique_and_of_ten_characters() -> None:
    moment = datetime.now(EAT)
    made = [receipt(moment) for _ in range(5_000)]
    assert len(set(made)) == len(made)
    assert {len(text) for text in made} == {10}


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_amounts_survive_being_written(cents: int) -> None:
    assert to_cents(to_shillings(cents)) == cents


@pytest.mark.parametrize("bad", ["", "1e3", "٣", "1.234", "0x1", None, True, [], "9" * 400])
def test_other_texts_are_no_amounts(bad: Any) -> None:
    assert to_cents(bad) is None


@pytest.mark.parametrize(
    ("tariff", "shillings", "charge"),
    [(paybill, 100, 0), (paybill, 101, 5), (paybill, 250_000, 108), (payout, 1_500, 5)],
)
def test_charges_follow_their_bands(tariff: Any, shillings: int, charge: int) -> None:
    assert tariff(shillings * 100) == charge * 100


def test_kinds_are_refused_at_every_place_where_they_make_no_sense() -> None:
    kinds = frozenset().union(*PLACES.values())
    for at, allowed in PLACES.items():
        for do in kinds - allowed:
            with pytest.raises(BadRuleError, match="makes no sense"):
                Faults().load({"rules": [{"at": at, "do": do}]})


class TestDraws:
    def load(self, seed: int) -> Faults:
        faults = Faults()
        rules = [{"at": "stk.callback", "do": "drop", "rate": 0.3}]
        faults.load({"seed": seed, "rules": rules})
        return faults

    def draws(self, faults: Faults, msisdns: list[str]) -> dict[str, list[bool]]:
        drawn: dict[str, list[bool]] = {msisdn: [] for msisdn in msisdns}
        for msisdn in msisdns:
            drawn[msisdn].append(faults.pick("stk.callback", msisdn=msisdn) is not None)
        return drawn

    def test_one_seed_repeats_whatever_the_order_of_phones(self) -> None:
        phones = [PHONES[n % 2] for n in range(200)]
        first = self.draws(self.load(7), phones)
        second = self.draws(self.load(7), sorted(phones))
        assert first == second
        assert first != self.draws(self.load(8), phones)

    def test_a_rate_is_a_rate(self) -> None:
        faults = self.load(7)
        fired = sum(faults.pick("stk.callback", msisdn=str(n)) is not None for n in range(4_000))
        assert 1_080 < fired < 1_320
