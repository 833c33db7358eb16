"""A customer's transactions as the API and statements show them: one leg each, the own."""

from dataclasses import dataclass
from datetime import datetime

from ledger.core.chart import Kind
from ledger.core.context import Context
from ledger.db import movements, users
from ledger.db.engine import Database
from ledger.db.movements import Filter, Movement, MovementCursor

_KINDS = {
    "deposit": (Kind.DEPOSIT, Kind.SUSPENSE_ALLOCATION),
    "withdrawal": (Kind.WITHDRAWAL_HOLD, Kind.WITHDRAWAL_VOID),
    "transfer": (Kind.TRANSFER,),
    "reversal": (
        Kind.REVERSAL,
        Kind.DEPOSIT_REVERSAL_HOLD,
        Kind.DEPOSIT_REVERSAL_VOID,
    ),
}
_TYPE_OF = {kind.value: name for name, kinds in _KINDS.items() for kind in kinds}


def type_of(kind: str) -> str:
    """Return the type under which customers know a kind of transaction."""
    return _TYPE_OF.get(kind, kind)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which movements to show, by type as customers know it; the rest is as in ``Filter``."""

    since: datetime | None = None
    before: datetime | None = None
    type: str | None = None
    status: str | None = None
    counterparty: str | None = None


def page(
    database: Database,
    context: Context,
    user_id: int,
    wanted: Wanted,
    *,
    limit: int,
    cursor: MovementCursor | None = None,
) -> list[Movement]:
    """Return up to ``limit`` movements of a customer older than a cursor, newest first."""
    with database.transaction(context) as connection:
        user = users.get(connection, user_id)
        if user is None:
            return []
        return movements.page(
            connection,
            user.wallet_account_id,
            limit=limit,
            cursor=cursor,
            wanted=Filter(
                since=wanted.since,
                before=wanted.before,
                kinds=None if wanted.type is None else _names(wanted.type),
                status=wanted.status,
                counterparty=wanted.counterparty,
            ),
        )


def _names(wanted_type: str) -> tuple[str, ...]:
    return tuple(kind.value for kind in _KINDS[wanted_type])


def get(
    database: Database, context: Context, user_id: int, transaction: int | str
) -> Movement | None:
    """Return one movement of a customer by transaction id or receipt; None when not theirs."""
    with database.transaction(context) as connection:
        user = users.get(connection, user_id)
        if user is None:
            return None
        return movements.find(connection, user.wallet_account_id, transaction)
