"""The PIN: checking it, changing it, giving a new one."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ledger.core.context import Context
from ledger.core.pins import PinState, pin_problem
from ledger.core.plans import Message
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import audit, outbox, users
from ledger.db.engine import Connection, Database

WITHDRAWAL_CAP_AFTER_RESET = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class PinAccepted:
    """The PIN was right."""

    user_id: int


def check_pin(
    database: Database, context: Context, user_id: int, pin: str
) -> PinAccepted | Refusal:
    """Check a PIN. Wrong tries count over all channels; the third locks it for an hour.

    One check of a customer at a time: the row stays locked while the slow hash runs. So parallel
    guesses get no more than three, and parallel right PINs don't count as guesses.
    """
    now = datetime.now(UTC)
    with database.transaction(context) as connection:
        stored, state = users.take_pin_try(connection, user_id)
        if state.is_locked(now):
            return _locked(state)
        if database.pin_hasher.matches(stored, pin):
            if state.failures or state.locked_until:
                users.store_pin_state(connection, user_id, PinState(0, None))
            return PinAccepted(user_id)
        counted = state.after_wrong_try(now)
        users.store_pin_state(connection, user_id, counted)
        if counted.is_locked(now):
            _announce_lock(connection, user_id, counted)
            return _locked(counted)
    return Refusal(RefusalCode.PIN_WRONG, {"tries_left": counted.tries_left})


def _locked(state: PinState) -> Refusal:
    assert state.locked_until is not None
    return Refusal(RefusalCode.PIN_LOCKED, {"until": state.locked_until.isoformat()})


def _announce_lock(connection: Connection, user_id: int, state: PinState) -> None:
    user = users.get(connection, user_id)
    assert user is not None
    audit.record(connection, "pin.locked", "user", user_id)
    for template, due_at in (("pin_locked", None), ("pin_unlocked", state.locked_until)):
        message = Message(user_id, user.msisdn, user.language, template)
        outbox.put(connection, message, due_at=due_at)


def change_pin(
    database: Database, context: Context, user_id: int, old_pin: str, new_pin: str
) -> PinAccepted | Refusal:
    """Replace a PIN by its owner, who must know the old one."""
    checked = check_pin(database, context, user_id, old_pin)
    if isinstance(checked, Refusal):
        return checked
    return choose_pin(database, context, user_id, new_pin)


def choose_pin(
    database: Database, context: Context, user_id: int, new_pin: str
) -> PinAccepted | Refusal:
    """Set the PIN of a customer who has just proved the old one, earlier in the same session."""
    return _store_new_pin(database, context, user_id, new_pin, must_change=False)


def give_start_pin(
    database: Database, context: Context, user_id: int, start_pin: str
) -> PinAccepted | Refusal:
    """Set a one-time start PIN after an identity check; it must be changed at the next use.

    Withdrawals are capped for 24 hours, as whoever swapped the SIM would withdraw first.
    """
    return _store_new_pin(database, context, user_id, start_pin, must_change=True)


def unlock_pin(database: Database, context: Context, user_id: int, why: str) -> None:
    """Lift a lock before its hour is over, by support, saying why; its owner is told now."""
    with database.transaction(context) as connection:
        users.store_pin_state(connection, user_id, PinState(0, None))
        outbox.hurry(connection, user_id, "pin_unlocked")
        audit.record(connection, "pin.unlocked", "user", user_id, new={"why": why})


def _store_new_pin(
    database: Database, context: Context, user_id: int, pin: str, *, must_change: bool
) -> PinAccepted | Refusal:
    pin_hash = database.pin_hasher.hash(pin)

    def work(connection: Connection) -> PinAccepted | Refusal:
        user = users.get(connection, user_id)
        if user is None:
            return Refusal(RefusalCode.NOT_REGISTERED)
        problem = pin_problem(pin, user.msisdn)
        if problem is not None:
            return Refusal(RefusalCode.PIN_WEAK, {"problem": problem})
        users.store_pin(connection, user_id, pin_hash, must_change=must_change)
        if must_change:
            until = datetime.now(UTC) + WITHDRAWAL_CAP_AFTER_RESET
            users.cap_withdrawals(connection, user_id, until)
        action = "pin.reset" if must_change else "pin.changed"
        audit.record(connection, action, "user", user_id)
        outbox.put(
            connection, Message(user_id, user.msisdn, user.language, action.replace(".", "_"))
        )
        return PinAccepted(user_id)

    return database.run(context, work)
