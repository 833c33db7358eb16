"""The float: ask M-Pesa what it holds for us, keep the series, compare it with CASH."""

from dataclasses import dataclass
from datetime import timedelta

from ledger.commands.pauses import OUT_OF_FLOAT
from ledger.commands.payment_parts import SYSTEM, new_token
from ledger.core.chart import SystemAccount
from ledger.core.context import Context
from ledger.core.float_balances import FloatBalances
from ledger.db import accounts, audit, callbacks, float_readings, payout_pauses
from ledger.db.engine import Connection, Database
from ledger.db.float_readings import FloatReading

EVERY = timedelta(minutes=55)


@dataclass(frozen=True, slots=True)
class FloatState:
    """What a reading found, in cents. ``is_low`` tells that payouts may soon fail."""

    utility: int | None
    ledger_cash: int
    is_low: bool


def due(database: Database, shortcode: str) -> str | None:
    """Return the token for a new question about a shortcode, or None when one is fresh."""

    def work(connection: Connection) -> str | None:
        if float_readings.asked_within(connection, shortcode, EVERY):
            return None
        token = new_token()
        float_readings.insert(connection, shortcode, token)
        return token

    return database.run(SYSTEM, work)


def failed(database: Database, token: str, failure: str) -> None:
    """Note that a question got no figures."""
    database.run(SYSTEM, lambda connection: float_readings.fail(connection, token, failure))


def record(
    database: Database, callback_id: int, token: str, balances: FloatBalances | None, alarm: int
) -> FloatState | None:
    """Keep an answer with what the ledger's CASH held at that moment.

    A utility account back above ``alarm`` cents ends a stop of payouts for want of float.
    Returns None when another worker has the body, or when it held no figures.
    """

    def work(connection: Connection) -> FloatState | None:
        if not callbacks.take(connection, callback_id):
            return None
        state = None
        if balances is None:
            float_readings.fail(connection, token, "no_figures")
        else:
            state = _fill(connection, token, balances, alarm)
        callbacks.settle(
            connection,
            callback_id,
            state="processed",
            verdict="float_read" if state else "float_not_read",
            payment_id=None,
        )
        return state

    return database.run(SYSTEM, work)


def _fill(connection: Connection, token: str, balances: FloatBalances, alarm: int) -> FloatState:
    cash = accounts.system_balances(connection)[SystemAccount.CASH]
    float_readings.fill(connection, token, balances, cash)
    low = balances.utility is not None and balances.utility < alarm
    enough = balances.utility is not None and not low
    if enough and payout_pauses.close_reason(connection, OUT_OF_FLOAT, SYSTEM.actor):
        audit.record(connection, "payouts.resumed", "float", 0, new={"utility": balances.utility})
    return FloatState(balances.utility, cash, low)


def newest(
    database: Database, context: Context, shortcode: str, limit: int = 48
) -> list[FloatReading]:
    """Return the newest readings of a shortcode, newest first."""
    return database.run(
        context, lambda connection: float_readings.newest(connection, shortcode, limit)
    )
