"""A forgotten PIN: two questions about oneself, then a one-time start PIN by SMS."""

import unicodedata
from datetime import UTC, datetime, timedelta

from ledger.commands.pins import WITHDRAWAL_CAP_AFTER_RESET, PinAccepted
from ledger.core.context import Context
from ledger.core.people import User
from ledger.core.pins import pin_problem
from ledger.core.plans import Message
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import audit, movements, outbox, pin_resets, users
from ledger.db.engine import Connection, Database
from ledger.one_time_codes import new_nonce, start_pin_of

WRONG_ANSWERS_MAX = 3
WRONG_ANSWERS_WINDOW = timedelta(days=7)
RESETS_PER_DAY_MAX = 2
START_PIN_LIFETIME = timedelta(minutes=30)


def reset_pin(
    database: Database,
    context: Context,
    user_id: int,
    pepper: str,
    *,
    last_name: str,
    last_amount: int,
) -> PinAccepted | Refusal:
    """Send a start PIN to whoever knows the last name and the cents of the last movement.

    Somebody without any movement answers 0. The third wrong answer in a week blocks resets for
    that week. The start PIN lives half an hour, must be changed at its first use, and caps
    withdrawals for a day, as whoever swapped the SIM would withdraw first.
    """
    nonce, pin_hash = _start_pin(database, context, user_id, pepper)
    now = datetime.now(UTC)
    with database.transaction(context) as connection:
        pin_resets.lock_customer(connection, user_id)
        user = users.get(connection, user_id)
        if user is None:
            return Refusal(RefusalCode.NOT_REGISTERED)
        if _is_blocked(connection, user_id, now):
            return Refusal(RefusalCode.RESETS_BLOCKED)
        if not _is_known(connection, user, last_name, last_amount):
            pin_resets.insert(connection, user_id, None)
            audit.record(connection, "pin_reset.refused", "user", user_id)
            return Refusal(
                RefusalCode.RESETS_BLOCKED
                if _is_blocked(connection, user_id, now)
                else RefusalCode.IDENTITY_WRONG
            )
        _give(connection, user, nonce, pin_hash, now)
    return PinAccepted(user_id)


def _start_pin(
    database: Database, context: Context, user_id: int, pepper: str
) -> tuple[bytes, str]:
    """Draw a start PIN that is not weak; its digits leave this function hashed only."""
    with database.transaction(context) as connection:
        user = users.get(connection, user_id)
    msisdn = "" if user is None else user.msisdn
    nonce = new_nonce()
    while pin_problem(start_pin_of(pepper, nonce), msisdn) is not None:
        nonce = new_nonce()
    return nonce, database.pin_hasher.hash(start_pin_of(pepper, nonce))


def _is_blocked(connection: Connection, user_id: int, now: datetime) -> bool:
    wrong = pin_resets.count_since(
        connection, user_id, now - WRONG_ANSWERS_WINDOW, identified=False
    )
    given = pin_resets.count_since(connection, user_id, now - timedelta(days=1), identified=True)
    return wrong >= WRONG_ANSWERS_MAX or given >= RESETS_PER_DAY_MAX


def _is_known(connection: Connection, user: User, last_name: str, last_amount: int) -> bool:
    last = movements.page(connection, user.wallet_account_id, limit=1)
    # As its owner remembers it: without the fee on top.
    expected = last[0].amount - last[0].fee if last else 0
    # Both are compared before either is judged, so the time says nothing about which was wrong.
    matches = (_plain(last_name) == _plain(user.last_name), last_amount == expected)
    return all(matches)


def _plain(name: str) -> str:
    """Return a name as people compare names: without case, accents and marks."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in decomposed if character.isalpha())


def _give(connection: Connection, user: User, nonce: bytes, pin_hash: str, now: datetime) -> None:
    pin_resets.insert(connection, user.id, now + START_PIN_LIFETIME)
    users.store_pin(connection, user.id, pin_hash, must_change=True)
    users.cap_withdrawals(connection, user.id, now + WITHDRAWAL_CAP_AFTER_RESET)
    audit.record(connection, "pin.reset", "user", user.id)
    outbox.put(
        connection,
        Message(
            user_id=user.id,
            recipient=user.msisdn,
            language=user.language,
            template="start_pin",
            params={"nonce": nonce.hex(), "minutes": int(START_PIN_LIFETIME.total_seconds()) // 60},
        ),
    )


def refuse_expired_start_pin(database: Database, context: Context, user_id: int) -> Refusal | None:
    """Refuse a start PIN that is older than half an hour; one that support gave does not age."""
    with database.transaction(context) as connection:
        expires_at = pin_resets.newest_expiry(connection, user_id)
    if expires_at is not None and expires_at <= datetime.now(UTC):
        return Refusal(RefusalCode.START_PIN_EXPIRED)
    return None
