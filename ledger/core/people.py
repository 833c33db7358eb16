"""Customers as the ledger knows them, and how others see their names."""

from dataclasses import dataclass
from datetime import datetime

from ledger.core.msisdn import mask_msisdn


@dataclass(frozen=True, slots=True)
class User:
    """A customer with the one wallet. ``wallet_status`` is active, frozen or closed."""

    id: int
    msisdn: str
    first_name: str
    last_name: str
    language: str
    status: str
    email: str | None
    email_pending: str | None
    email_confirmed_at: datetime | None
    pin_failures: int
    pin_locked_until: datetime | None
    pin_must_change: bool
    withdrawals_capped_until: datetime | None
    sms_balance_enrolled: bool
    sms_opted_out_at: datetime | None
    wallet_account_id: int
    wallet_number: str
    wallet_status: str
    created_at: datetime

    @property
    def display_name(self) -> str:
        """Return the two names, as counterparties and documents show them."""
        return f"{self.first_name} {self.last_name}"

    @property
    def masked_msisdn(self) -> str:
        """Return the number with its middle hidden."""
        return mask_msisdn(self.msisdn)


@dataclass(frozen=True, slots=True)
class NewUser:
    """What a registration brings. ``msisdn`` is in the stored form, ``language`` en or sw."""

    msisdn: str
    first_name: str
    last_name: str
    language: str
    consent_version: str
    channel: str
