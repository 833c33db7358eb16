"""What an effect is handed, and where effects register themselves by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.services import JobServices
from ledger.commands import pins
from ledger.core.context import Context
from ledger.core.people import User
from ledger.core.refusals import Refusal
from ledger.queries import users
from ussd_app.flow.machine import Done, Pin
from ussd_app.services import Services

SOURCE = "ussd"
"""The source of idempotency keys; the reference is session and position."""


@dataclass(frozen=True, slots=True)
class Call:
    """One effect to perform: for whom, with which values, in which hop.

    ``keep_going`` raises when the hop's time is over; effects of several steps ask in between.
    """

    services: Services | JobServices
    msisdn: str
    reference: str
    values: Mapping[str, Any]
    language: str
    pin: Pin | None = None
    channel: str = SOURCE
    keep_going: Callable[[], None] = lambda: None

    @property
    def user_id(self) -> int:
        """Return the customer's id; only effects behind identification ask for it."""
        user_id: int = self.values["user_id"]
        return user_id

    @property
    def context(self) -> Context:
        """Return the context of the customer who acts."""
        return Context.of_user(self.user_id, self.channel)

    @property
    def pepper(self) -> str:
        """Return the key that one-time digits are derived with."""
        return self.services.settings.pin_pepper.get_secret_value()

    def digits(self) -> str:
        """Return the PIN that was typed."""
        assert self.pin is not None
        return self.pin.reveal()

    def refuse_pin(self) -> Refusal | None:
        """Check the PIN that was typed; None when it is right and the work may follow."""
        answer = pins.check_pin(self.services.database, self.context, self.user_id, self.digits())
        self.keep_going()
        return answer if isinstance(answer, Refusal) else None

    def customer(self) -> User:
        """Return the customer who acts."""
        user = users.get(self.services.database, self.context, self.user_id)
        assert user is not None
        return user


Action = Callable[[Call], Done | Refusal]
_ACTIONS: dict[str, Action] = {}


def action(function: Action) -> Action:
    """Register an effect under its function's name; raise ValueError when there are two."""
    if _ACTIONS.setdefault(function.__name__, function) is not function:
        raise ValueError(f"two effects are called {function.__name__}")
    return function


def names() -> frozenset[str]:
    """Return the effects that can be performed, for the static check."""
    return frozenset(_ACTIONS)


def perform(name: str, call: Call) -> Done | Refusal:
    """Perform one effect."""
    answer = _ACTIONS[name](call)
    if isinstance(answer, Refusal):
        support = call.services.settings.support_number
        return Refusal(answer.code, {"support": support, **answer.details})
    return answer
