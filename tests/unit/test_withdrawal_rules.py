"""What may leave for M-Pesa, how much of it in a day, and where the money is meanwhile."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ledger.core.chart import SystemAccount
from ledger.core.parties import Party
from ledger.core.payments import PaymentKind, PaymentRequest, PaymentState, same_request
from ledger.core.refusals import Refusal, RefusalCode
from ledger.core.rules import Limit, Rules
from ledger.core.withdrawals import account_holding, daily_maximum, refuse_withdrawal
from tests.unit.test_payment_rules import NOW, payment_in

OWN, OTHER = "+254712345678", "+254722000111"
CLOSED = Rules({"withdrawal": Limit(1_000, 5_000_00, 9_000_00)}, 10**8, {})
OPEN = replace(
    CLOSED, limits={**CLOSED.limits, "withdrawal_other": Limit(1_000, 3_000_00, 4_000_00)}
)
JANE = Party(7, OWN, "Jane", "Wanjiru", "en", "active", 1000, "active", 0, False, None)
CAPPED = replace(JANE, withdrawals_capped_until=NOW + timedelta(seconds=1))
NO_LONGER_CAPPED = replace(JANE, withdrawals_capped_until=NOW)


@pytest.mark.parametrize(
    ("party", "to", "cents", "paused", "code"),
    [
        (JANE, None, 5_000_00, False, None),
        (JANE, OWN, 5_000_00, False, None),
        (JANE, None, 5_001_00, False, RefusalCode.AMOUNT_TOO_LARGE),
        (JANE, OTHER, 3_000_00, False, None),
        (JANE, OTHER, 3_001_00, False, RefusalCode.AMOUNT_TOO_LARGE),
        (JANE, None, 5_000_00, True, RefusalCode.WITHDRAWALS_PAUSED),
        (JANE, None, 50, True, RefusalCode.WHOLE_SHILLINGS_ONLY),
        (CAPPED, None, 1_000_00, False, None),
        (CAPPED, None, 1_001_00, False, RefusalCode.WITHDRAWALS_CAPPED),
        (CAPPED, OTHER, 1_001_00, False, RefusalCode.WITHDRAWALS_CAPPED),
        (CAPPED, None, 1_001_00, True, RefusalCode.WITHDRAWALS_PAUSED),
        (NO_LONGER_CAPPED, None, 1_001_00, False, None),
    ],
)
def test_a_withdrawal_is_refused_for_the_first_reason(
    party: Party, to: str | None, cents: int, paused: bool, code: RefusalCode | None
) -> None:
    refusal = refuse_withdrawal(party, to, cents, OPEN, paused=paused, now=NOW)
    assert (refusal and refusal.code) == code


def test_without_a_limit_of_its_own_nothing_goes_to_another_number() -> None:
    refusal = refuse_withdrawal(CAPPED, OTHER, 2_000_00, CLOSED, paused=True, now=NOW)
    assert refusal == Refusal(RefusalCode.WITHDRAWALS_OWN_ONLY)


def test_a_capped_customer_hears_how_much_may_leave() -> None:
    refusal = refuse_withdrawal(CAPPED, None, 2_000_00, OPEN, paused=False, now=NOW)
    assert refusal == Refusal(RefusalCode.WITHDRAWALS_CAPPED, {"maximum": 1_000_00})


@pytest.mark.parametrize(
    ("party", "to", "cents"),
    [
        (JANE, None, 9_000_00),
        (JANE, OWN, 9_000_00),
        (JANE, OTHER, 4_000_00),
        (CAPPED, None, 1_000_00),
        (CAPPED, OTHER, 1_000_00),
        (NO_LONGER_CAPPED, OTHER, 4_000_00),
    ],
)
def test_of_a_days_limits_the_tightest_holds(party: Party, to: str | None, cents: int) -> None:
    assert daily_maximum(party, to, OPEN, NOW) == cents


def test_the_daily_limit_to_others_never_widens_that_of_all_withdrawals() -> None:
    wide = replace(
        OPEN, limits={**OPEN.limits, "withdrawal_other": Limit(1_000, 3_000_00, 99_000_00)}
    )
    assert daily_maximum(JANE, OTHER, wide, NOW) == 9_000_00


@pytest.mark.parametrize(
    ("state", "suspense_reason", "account"),
    [
        (PaymentState.PENDING, None, SystemAccount.PENDING_WITHDRAWALS),
        (PaymentState.UNKNOWN, None, SystemAccount.PENDING_WITHDRAWALS),
        (PaymentState.FAILED, None, JANE.wallet_account_id),
        (PaymentState.FAILED, "account_frozen", SystemAccount.SUSPENSE),
    ],
)
def test_a_payouts_money_is_pending_until_a_release_puts_it_elsewhere(
    state: PaymentState, suspense_reason: str | None, account: int
) -> None:
    payout = replace(payment_in(state, PaymentKind.WITHDRAWAL), suspense_reason=suspense_reason)
    assert account_holding(payout, JANE) == account


@pytest.mark.parametrize(
    ("kind", "user_id", "cents", "field"),
    [
        (PaymentKind.WITHDRAWAL, 1000, 100_00, None),
        (PaymentKind.WITHDRAWAL, 1000, 101_00, "amount"),
        (PaymentKind.WITHDRAWAL, 1001, 101_00, "user"),
        (PaymentKind.DEPOSIT, 1001, 101_00, "kind"),
    ],
)
def test_a_repeated_key_makes_the_same_payment_or_names_what_differs(
    kind: PaymentKind, user_id: int, cents: int, field: str | None
) -> None:
    payout = payment_in(PaymentState.CREATED, PaymentKind.WITHDRAWAL)
    answer = same_request(payout, PaymentRequest(kind, user_id, cents, "s", "r"))
    assert answer == (Refusal(RefusalCode.KEY_REUSED, {"field": field}) if field else payout)
