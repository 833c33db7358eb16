"""Reads of a customer's own wallet."""

from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.core.context import Context
from ledger.core.refusals import Refusal, RefusalCode
from ledger.core.rules import nairobi_day
from ledger.db import accounts, movements, rules, users
from ledger.db.engine import Database
from ledger.db.movements import Movement


def balance(database: Database, context: Context, user_id: int) -> int | Refusal:
    """Return the cents in a customer's wallet."""
    with database.transaction(context) as connection:
        cents = accounts.wallet_balance(connection, user_id)
    return Refusal(RefusalCode.NOT_REGISTERED) if cents is None else cents


def recent_movements(
    database: Database, context: Context, user_id: int, *, limit: int = 5
) -> list[Movement]:
    """Return a customer's newest movements, the newest first."""
    with database.transaction(context) as connection:
        user = users.get(connection, user_id)
        if user is None:
            return []
        return movements.page(connection, user.wallet_account_id, limit=limit)


@dataclass(frozen=True, slots=True)
class RemainingToday:
    """What a customer may still move today, in cents, and the largest single amounts."""

    transfer: int
    withdrawal: int
    transfer_maximum: int
    withdrawal_maximum: int


def remaining_today(database: Database, context: Context, user_id: int) -> RemainingToday | Refusal:
    """Return what the daily limits leave for the rest of this Nairobi day."""
    now = datetime.now(UTC)
    with database.transaction(context) as connection:
        user = users.get(connection, user_id)
        if user is None:
            return Refusal(RefusalCode.NOT_REGISTERED)
        in_force = rules.load(connection, now)
        used = rules.usage(connection, user.wallet_account_id, nairobi_day(now))
    transfer, withdrawal = in_force.limits["transfer"], in_force.limits["withdrawal"]
    return RemainingToday(
        transfer=max(0, transfer.daily - used.get("transfer", 0)),
        withdrawal=max(0, withdrawal.daily - used.get("withdrawal", 0)),
        transfer_maximum=transfer.maximum,
        withdrawal_maximum=withdrawal.maximum,
    )
