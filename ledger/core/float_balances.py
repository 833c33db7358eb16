"""The organisation's own M-Pesa accounts, as an account balance answer writes them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FloatBalances:
    """Cents in each account; None where the answer did not name it. Charges are negative."""

    working: int | None
    utility: int | None
    charges_paid: int | None
