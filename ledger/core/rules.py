"""Limits and tariffs: dated rows in the database, judged here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from ledger.core.money import CENTS_PER_SHILLING
from ledger.core.refusals import Refusal, RefusalCode, first

NAIROBI = ZoneInfo("Africa/Nairobi")

LimitedKind = Literal["deposit", "withdrawal", "withdrawal_other", "transfer"]
M_PESA_KINDS = frozenset({"deposit", "withdrawal", "withdrawal_other"})
CLOSED_UNTIL_SET: LimitedKind = "withdrawal_other"
"""Withdrawals to a number that is not the customer's own: only under a limit of their own."""

UNUSED_FIGURES: Mapping[str, frozenset[str]] = {
    "deposit": frozenset({"daily"}),
    "wallet": frozenset({"minimum", "daily"}),
}
"""What a kind's limit has no use for: deposits are bounded by the wallet, not by the day."""


def nairobi_day(moment: datetime) -> date:
    """Return the calendar day in Nairobi: limits and statements both count by it."""
    return moment.astimezone(NAIROBI).date()


@dataclass(frozen=True, slots=True)
class Limit:
    """Cents allowed for one kind of movement: smallest, largest, and a day's total."""

    minimum: int
    maximum: int
    daily: int


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits and tariffs in force at one moment.

    ``bands`` maps a kind to (up to cents, fee cents) pairs in ascending order; an amount
    above the last band pays the last band's fee, a kind without bands is free.
    """

    limits: Mapping[str, Limit]
    wallet_maximum: int
    bands: Mapping[str, tuple[tuple[int, int], ...]]

    @property
    def pays_others(self) -> bool:
        """Tell whether withdrawals may go to another number than the customer's own."""
        limit = self.limits.get(CLOSED_UNTIL_SET)
        return limit is not None and limit.maximum > 0

    def fee(self, kind: LimitedKind, amount: int) -> int:
        """Return the fee in cents that the payer is charged on top."""
        fee = 0
        for up_to, band_fee in self.bands.get(kind, ()):
            fee = band_fee
            if amount <= up_to:
                break
        return fee

    def refuse_amount(self, kind: LimitedKind, amount: int) -> Refusal | None:
        """Refuse an amount that no one may move this way.

        To another number both limits of withdrawals hold.
        """
        if kind == CLOSED_UNTIL_SET:
            if not self.pays_others:
                return Refusal(RefusalCode.WITHDRAWALS_OWN_ONLY)
            return first((self._refuse(kind, amount), self._refuse("withdrawal", amount)))
        return self._refuse(kind, amount)

    def _refuse(self, kind: LimitedKind, amount: int) -> Refusal | None:
        limit = self.limits[kind]
        return first(
            (
                Refusal(RefusalCode.AMOUNT_INVALID) if amount <= 0 else None,
                Refusal(RefusalCode.WHOLE_SHILLINGS_ONLY)
                if kind in M_PESA_KINDS and amount % CENTS_PER_SHILLING
                else None,
                Refusal(RefusalCode.AMOUNT_TOO_SMALL, {"minimum": limit.minimum})
                if amount < limit.minimum
                else None,
                Refusal(RefusalCode.AMOUNT_TOO_LARGE, {"maximum": limit.maximum})
                if amount > limit.maximum
                else None,
            )
        )
