"""The two sides of a movement, as planning needs them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ledger.core.msisdn import mask_msisdn
from ledger.core.plans import Message


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a movement. ``balance`` is cents at the time of reading, a hint only.

    ``email`` is an address that the customer has confirmed.
    """

    user_id: int
    msisdn: str
    first_name: str
    last_name: str
    language: str
    status: str
    wallet_account_id: int
    wallet_status: str
    balance: int
    pin_must_change: bool
    withdrawals_capped_until: datetime | None
    email: str | None = None

    @property
    def display_name(self) -> str:
        """Return the two names that the other side may see."""
        return f"{self.first_name} {self.last_name}"

    @property
    def public(self) -> dict[str, str]:
        """Return what the other side and the history may show: names, and the number masked."""
        return {"name": self.display_name, "msisdn": mask_msisdn(self.msisdn)}

    def message(
        self, template: str, params: Mapping[str, int | str], *, balance_of: int | None = None
    ) -> Message:
        """Return a message to this customer, in the customer's language."""
        return Message(
            user_id=self.user_id,
            recipient=self.msisdn,
            language=self.language,
            template=template,
            params=params,
            balance_of=balance_of,
            email=self.email,
        )
