"""What may leave for M-Pesa: to whom, how much at once, how much in a day; and where it is held."""

from datetime import datetime

from ledger.core.chart import SystemAccount
from ledger.core.parties import Party
from ledger.core.payments import Payment, PaymentState, cents_in_suspense
from ledger.core.refusals import Refusal, RefusalCode, first
from ledger.core.rules import LimitedKind, Rules

CAPPED_DAY_CENTS = 1_000_00
"""What may leave in a day while withdrawals are capped, as after a forgotten PIN."""
_OWN: LimitedKind = "withdrawal"
_OTHER: LimitedKind = "withdrawal_other"


def refuse_withdrawal(
    party: Party, to: str | None, amount: int, rules: Rules, *, paused: bool, now: datetime
) -> Refusal | None:
    """Refuse cents that may not leave now for ``to`` (None: the customer's own number)."""
    return first(
        (
            rules.refuse_amount(_OWN if _is_own(party, to) else _OTHER, amount),
            Refusal(RefusalCode.WITHDRAWALS_PAUSED) if paused else None,
            Refusal(RefusalCode.WITHDRAWALS_CAPPED, {"maximum": CAPPED_DAY_CENTS})
            if _is_capped(party, now) and amount > CAPPED_DAY_CENTS
            else None,
        )
    )


def daily_maximum(party: Party, to: str | None, rules: Rules, now: datetime) -> int:
    """Return the cents of a day's total, whatever its destinations: the tightest limit holds."""
    limits = [rules.limits[_OWN].daily]
    if not _is_own(party, to):
        limits.append(rules.limits[_OTHER].daily)
    if _is_capped(party, now):
        limits.append(CAPPED_DAY_CENTS)
    return min(limits)


def _is_own(party: Party, to: str | None) -> bool:
    return to in (None, party.msisdn)


def _is_capped(party: Party, now: datetime) -> bool:
    until = party.withdrawals_capped_until
    return until is not None and until > now


def account_holding(payment: Payment, party: Party) -> int:
    """Return the account where a payout's money is: pending, or where its release put it."""
    if payment.state is not PaymentState.FAILED:
        return SystemAccount.PENDING_WITHDRAWALS
    return SystemAccount.SUSPENSE if cents_in_suspense(payment) else party.wallet_account_id
