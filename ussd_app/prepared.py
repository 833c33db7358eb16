"""What a customer prepared by SMS: kept ten minutes, offered by the menu, done with a PIN.

Nothing here moves money: the menu quotes the action anew and asks for the PIN.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from redis import Redis

WAITS_SECONDS = 600


class PreparedKind(StrEnum):
    """What can be prepared."""

    SEND = "send"
    WITHDRAW = "withdraw"
    WITHDRAW_TO = "withdraw_to"


@dataclass(frozen=True, slots=True)
class PreparedAction:
    """An action in cents. ``msisdn`` is who receives it, in the stored form; None is the customer.

    ``reference`` is the text's id. Use it as the idempotency key (source ``sms``): the same
    order is done once, however often it is offered.
    """

    kind: PreparedKind
    amount: int
    msisdn: str | None
    reference: str


def prepare(redis: Redis, user_id: int, action: PreparedAction) -> None:
    """Keep an action for a customer; it replaces an earlier one."""
    redis.set(_key(user_id), json.dumps(asdict(action)), ex=WAITS_SECONDS)


def waiting(redis: Redis, user_id: int) -> PreparedAction | None:
    """Return what waits for a customer's PIN, if anything does."""
    stored = redis.get(_key(user_id))
    if stored is None:
        return None
    fields = json.loads(stored)
    return PreparedAction(
        PreparedKind(fields["kind"]), fields["amount"], fields["msisdn"], fields["reference"]
    )


def forget(redis: Redis, user_id: int) -> None:
    """Drop what waits: it was done, or the customer did not want it."""
    redis.delete(_key(user_id))


def _key(user_id: int) -> str:
    return f"cycle:prepared:{user_id}"
