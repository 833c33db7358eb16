"""One-time codes by SMS: asking for one, and checking what was typed."""

from datetime import UTC, datetime

from ledger import one_time_codes as codes
from ledger.core.access import (
    CODE_LIFETIME,
    CODE_WRONG_TRIES_MAX,
    CODES_IN_WINDOW_MAX,
    CODES_WINDOW,
    AccessCode,
    AccessRefusal,
    CodePurpose,
)
from ledger.core.context import Context
from ledger.core.plans import Message
from ledger.db import one_time_codes as table
from ledger.db import outbox, users
from ledger.db.engine import Connection, Database

_CONTEXT = Context(actor="system:api", channel="api")


def send_code(
    database: Database, msisdn: str, purpose: CodePurpose, language: str
) -> AccessRefusal | None:
    """Send a code to a number, if it makes sense for the purpose; the answer never tells.

    At most five an hour to a number. The outbox message holds the nonce, not the digits.
    """
    now = datetime.now(UTC)

    def work(connection: Connection) -> AccessRefusal | None:
        if table.count_since(connection, msisdn, now - CODES_WINDOW) >= CODES_IN_WINDOW_MAX:
            return AccessRefusal(AccessCode.TOO_MANY_CODES)
        nonce = codes.new_nonce()
        table.insert(connection, msisdn, purpose, nonce, now + CODE_LIFETIME)
        user = users.find_by_msisdn(connection, msisdn)
        wanted_known = purpose is CodePurpose.LOGIN
        if (user is not None and user.status == "active") == wanted_known:
            message = Message(
                user_id=user.id if user else None,
                recipient=msisdn,
                language=user.language if user else language,
                template="one_time_code",
                params={
                    "nonce": nonce.hex(),
                    "minutes": int(CODE_LIFETIME.total_seconds()) // 60,
                },
            )
            outbox.put(connection, message)
        return None

    return database.run(_CONTEXT, work)


def check_code(
    database: Database, pepper: str, msisdn: str, purpose: CodePurpose, typed: str
) -> AccessRefusal | None:
    """Check the digits against the newest code of a number; the fifth wrong try kills it.

    A right code is not used up here: call ``use_code`` once everything else was right too.
    """
    now = datetime.now(UTC)

    def work(connection: Connection) -> AccessRefusal | None:
        code = table.take_newest(connection, msisdn, purpose)
        if code is None or code.used_at is not None or code.expires_at <= now:
            return AccessRefusal(AccessCode.CODE_WRONG)
        if code.wrong_tries >= CODE_WRONG_TRIES_MAX:
            return AccessRefusal(AccessCode.CODE_BLOCKED)
        if codes.matches(pepper, code.nonce, typed):
            return None
        table.count_wrong_try(connection, code.id)
        if code.wrong_tries + 1 == CODE_WRONG_TRIES_MAX:
            _warn_owner(connection, msisdn)
        return AccessRefusal(AccessCode.CODE_WRONG)

    return database.run(_CONTEXT, work)


def use_code(database: Database, msisdn: str, purpose: CodePurpose) -> AccessRefusal | None:
    """Use up a number's checked code; of two requests with one code the second is refused."""
    used = database.run(_CONTEXT, lambda connection: table.mark_used(connection, msisdn, purpose))
    return None if used else AccessRefusal(AccessCode.CODE_WRONG)


def _warn_owner(connection: Connection, msisdn: str) -> None:
    user = users.find_by_msisdn(connection, msisdn)
    if user is not None:
        outbox.put(connection, Message(user.id, msisdn, user.language, "one_time_code_blocked"))
