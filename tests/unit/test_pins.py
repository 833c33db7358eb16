"""Which PINs are too weak, and how wrong tries lead to a lock."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.core.pins import PinProblem, PinState, pin_problem
from ledger.pin_hashing import PinHasher

OWNER = "+254712345678"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pin", "problem"),
    [
        ("123", PinProblem.NOT_FOUR_DIGITS),
        ("12345", PinProblem.NOT_FOUR_DIGITS),
        ("12a4", PinProblem.NOT_FOUR_DIGITS),
        ("٤٨٢٦", PinProblem.NOT_FOUR_DIGITS),
        ("4826\n", PinProblem.NOT_FOUR_DIGITS),
        ("0000", PinProblem.REPEATED),
        ("4848", PinProblem.REPEATED),
        ("1234", PinProblem.RUN),
        ("4321", PinProblem.RUN),
        ("7890", PinProblem.RUN),
        ("1987", PinProblem.BIRTH_YEAR),
        ("2004", PinProblem.BIRTH_YEAR),
        ("5678", PinProblem.RUN),
        ("0712", PinProblem.OWN_NUMBER),
        ("7123", PinProblem.OWN_NUMBER),
    ],
)
def test_a_pin_that_a_finder_would_try_is_refused(pin: str, problem: PinProblem) -> None:
    assert pin_problem(pin, OWNER) is problem


@pytest.mark.parametrize("pin", ["4826", "9071", "0391"])
def test_another_pin_will_do(pin: str) -> None:
    assert pin_problem(pin, OWNER) is None


def test_a_stored_pin_takes_19_mib_and_two_passes_to_check() -> None:
    stored = PinHasher("a pepper of the tests, long enough").hash("4826")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_the_third_wrong_try_locks_for_an_hour() -> None:
    state = PinState(0, None).after_wrong_try(NOW)
    assert state.tries_left == 2
    state = state.after_wrong_try(NOW)
    assert (state.tries_left, state.is_locked(NOW)) == (1, False)
    state = state.after_wrong_try(NOW)
    assert state.is_locked(NOW + timedelta(minutes=59))
    assert not state.is_locked(NOW + timedelta(minutes=60))


def test_nine_pins_in_ten_stay_free_to_choose() -> None:
    free = sum(pin_problem(f"{number:04d}", OWNER) is None for number in range(10_000))
    assert 9_000 <= free < 10_000
