"""The float: ask M-Pesa what it holds for us, keep the series, compare it with CASH."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from ledger.commands.pauses import OUT_OF_FLOAT
from ledger.commands.payment_parts import SYSTEM, new_token
from ledger.core.chart import SystemAccount
from ledger.core.context import Context
from ledger.core.float_balances import FloatBalances
from ledger.core.plans import Message
from ledger.db import accounts, audit, callbacks, float_readings, outbox, payout_pauses
from ledger.db.engine import Connection, Database
from ledger.db.float_readings import FloatReading

EVERY = timedelta(minutes=55)


@dataclass(frozen=True, slots=True)
class FloatAlarm:
    """When to raise an alarm, and whom to write to.

    ``shortcode`` is the one that pays out; ``below`` is in cents of its utility account.
    """

    shortcode: str
    below: int
    addresses: Sequence[str] = ()


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
    database: Database,
    callback_id: int,
    token: str,
    balances: FloatBalances | None,
    alarm: FloatAlarm,
) -> FloatState | None:
    """Keep an answer with what the ledger's CASH held at that moment.

    The first reading below the alarm writes to its addresses; one above it ends a stop of
    payouts for want of float. Returns None when another worker has the body, or when it
    held no figures.
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


def _fill(
    connection: Connection, token: str, balances: FloatBalances, alarm: FloatAlarm
) -> FloatState | None:
    shortcode = float_readings.shortcode_of(connection, token)
    if shortcode is None:
        return None
    cash = accounts.system_balances(connection)[SystemAccount.CASH]
    before = float_readings.newest(connection, shortcode, 1)
    if not float_readings.fill(connection, token, balances, cash):
        return None
    if shortcode != alarm.shortcode or balances.utility is None:
        return FloatState(balances.utility, cash, is_low=False)
    if balances.utility < alarm.below:
        if not (before and before[0].utility is not None and before[0].utility < alarm.below):
            _write(connection, balances.utility, cash, alarm)
        return FloatState(balances.utility, cash, is_low=True)
    if payout_pauses.close_reason(connection, OUT_OF_FLOAT, SYSTEM.actor):
        audit.record(connection, "payouts.resumed", "float", 0, new={"utility": balances.utility})
    return FloatState(balances.utility, cash, is_low=False)


def _write(connection: Connection, utility: int, cash: int, alarm: FloatAlarm) -> None:
    params: dict[str, int | str] = {
        "shortcode": alarm.shortcode,
        "utility": utility,
        "alarm": alarm.below,
        "cash": cash,
    }
    for address in alarm.addresses:
        outbox.put(connection, Message(None, address, "en", "float_low", params, channel="email"))


def newest(
    database: Database, context: Context, shortcode: str, limit: int = 48
) -> list[FloatReading]:
    """Return the newest readings of a shortcode, newest first."""
    return database.run(
        context, lambda connection: float_readings.newest(connection, shortcode, limit)
    )
