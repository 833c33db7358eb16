"""Of two reasons against a withdrawal or a deposit the first is given, as RefusalCode has them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from ledger.commands import evidence
from ledger.commands.deposits import request_deposit
from ledger.commands.pins import give_start_pin
from ledger.commands.profiles import close_wallet, freeze_wallet
from ledger.commands.withdrawals import request_withdrawal
from ledger.core.context import Context
from ledger.core.payments import Evidence, EvidenceSource, Payment, Step, Verdict
from ledger.core.people import User
from ledger.core.refusals import Refusal
from ledger.db import payout_pauses, users
from ledger.db.engine import Database
from tests.db.people import SYSTEM, new_user
from tests.db.refusal_tables import are_in_order, cases, code_of
from tests.limits import set_limit
from tests.msisdns import new_msisdn

# In order of precedence. Amounts are cents.
WITHDRAWAL_REASONS = (
    "user_closed",
    "pin_must_change",
    "account_frozen",
    "withdrawals_own_only",
    "amount_invalid",
    "whole_shillings_only",
    "amount_too_small",
    "amount_too_large",
    "withdrawals_paused",
    "withdrawals_capped",
    "insufficient_funds",
    "daily_limit",
)
DEPOSIT_REASONS = (
    "user_closed",
    "pin_must_change",
    "account_frozen",
    "amount_invalid",
    "whole_shillings_only",
    "amount_too_small",
    "amount_too_large",
    "prompt_open",
    "wallet_full",
)
SMALL = {"amount_invalid": 0, "whole_shillings_only": 1_050, "amount_too_small": 500}
LARGE = {
    "wallet_full": 60_000,
    "insufficient_funds": 70_000,
    "withdrawals_capped": 120_000,
    "amount_too_large": 160_000,
}
USUAL, BALANCE, SPENT_TODAY = 2_000, 50_000, 149_000
# One amount of an order: a small one goes with no other, of two large ones the larger serves both.
AMOUNTS = [set(SMALL), *({small, large} for small in SMALL for large in LARGE)]
STOPPED = {"user_closed", "account_frozen"}  # a closed wallet can't be frozen as well
WITHDRAWALS = cases(WITHDRAWAL_REASONS, *AMOUNTS, STOPPED)
DEPOSITS = cases(DEPOSIT_REASONS, *AMOUNTS, STOPPED, {"user_closed", "prompt_open"})


@pytest.fixture(autouse=True)
def usual_rules(own_database: Database) -> Iterator[None]:
    """The limits of these tests, and payouts that go on."""
    set_limit(own_database, "deposit", 10, 1_500, 1_500)
    set_limit(own_database, "withdrawal", 10, 1_500, 1_500)
    set_limit(own_database, "wallet", 1, 550, 550)
    yield
    with own_database.transaction(SYSTEM) as connection:
        payout_pauses.close_reason(connection, "out_of_float", "test")


def amount_with(reasons: tuple[str, ...]) -> int:
    """The cents that each of the reasons needs; of two large amounts the larger serves both."""
    wanted = [{**SMALL, **LARGE}[reason] for reason in reasons if reason in {**SMALL, **LARGE}]
    return max(wanted, default=USUAL)


def stop(database: Database, user: User, reasons: tuple[str, ...]) -> None:
    """Make the customer one who may not move money."""
    if "pin_must_change" in reasons:
        give_start_pin(database, SYSTEM, user.id, "9071")
    if "account_frozen" in reasons:
        assert freeze_wallet(database, SYSTEM, user.id, "test") is None
    if "user_closed" in reasons:
        assert close_wallet(database, SYSTEM, user.id, "test") is None


def withdraw(database: Database, user: User, cents: int, to: str | None) -> Payment | Refusal:
    context = Context.of_user(user.id, "ussd")
    key = uuid4().hex
    return request_withdrawal(
        database, context, user.id, cents, source="ussd", reference=key, to=to
    )


def spend_today(database: Database, user: User) -> None:
    """Leave 10 shillings of the day's total."""
    paid = withdraw(database, user, SPENT_TODAY, None)
    assert isinstance(paid, Payment)
    receipt = uuid4().hex[:10].upper()
    found = Evidence(EvidenceSource.STATUS, Verdict.PAID, "0", amount=SPENT_TODAY, receipt=receipt)
    assert evidence.apply(database, paid.id, found).decision.step is Step.COMPLETE


def withdraw_with(database: Database, reasons: tuple[str, ...]) -> Payment | Refusal:
    """Ask for a withdrawal against which each of the reasons speaks."""
    spent = SPENT_TODAY if "daily_limit" in reasons else 0
    user = new_user(database, cents=spent + (0 if "user_closed" in reasons else BALANCE))
    if spent:
        spend_today(database, user)
    with database.transaction(SYSTEM) as connection:
        if "withdrawals_capped" in reasons:
            users.cap_withdrawals(connection, user.id, datetime.now(UTC) + timedelta(days=1))
        if "withdrawals_paused" in reasons:
            connection.execute(
                "INSERT INTO payout_pauses (reason, result_code) VALUES ('out_of_float', '1')"
            )
    stop(database, user, reasons)
    to = new_msisdn() if "withdrawals_own_only" in reasons else None
    return withdraw(database, user, amount_with(reasons), to)


def deposit_with(database: Database, reasons: tuple[str, ...]) -> Payment | Refusal:
    """Ask for a deposit against which each of the reasons speaks."""
    user = new_user(database, cents=0 if "user_closed" in reasons else BALANCE)

    def ask(cents: int) -> Payment | Refusal:
        context = Context.of_user(user.id, "ussd")
        return request_deposit(
            database, context, user.id, cents, source="ussd", reference=uuid4().hex
        )

    if "prompt_open" in reasons:
        assert isinstance(ask(3_000), Payment)
    stop(database, user, reasons)
    return ask(amount_with(reasons))


@pytest.mark.parametrize("reasons", WITHDRAWALS)
def test_the_first_reason_against_a_withdrawal_is_given(
    own_database: Database, reasons: tuple[str, ...]
) -> None:
    assert code_of(withdraw_with(own_database, reasons)) == reasons[0]


@pytest.mark.parametrize("reasons", DEPOSITS)
def test_the_first_reason_against_a_deposit_is_given(
    own_database: Database, reasons: tuple[str, ...]
) -> None:
    assert code_of(deposit_with(own_database, reasons)) == reasons[0]


def test_without_any_reason_money_may_move(own_database: Database) -> None:
    assert isinstance(withdraw_with(own_database, ()), Payment)
    assert isinstance(deposit_with(own_database, ()), Payment)


@pytest.mark.parametrize("reasons", [WITHDRAWAL_REASONS, DEPOSIT_REASONS])
def test_the_order_is_that_of_the_codes(reasons: tuple[str, ...]) -> None:
    assert are_in_order(reasons)
