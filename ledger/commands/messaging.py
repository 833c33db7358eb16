"""How a customer wants to be reached: SMS or none, an e-mail address, the balance by SMS."""

import hashlib
from datetime import UTC, date, datetime, timedelta

from ledger import one_time_codes
from ledger.core.context import Context
from ledger.core.plans import Message
from ledger.core.refusals import Refusal, RefusalCode
from ledger.core.rules import nairobi_day
from ledger.db import audit, messaging, outbox, outbox_sending, users
from ledger.db.engine import Connection, Database


def stop_sms(database: Database, context: Context, msisdn: str) -> None:
    """Send a number nothing but answers to own texts from now on; receipts stay readable."""

    def work(connection: Connection) -> None:
        user_id = outbox_sending.mark_opted_out(connection, msisdn)
        if user_id is not None:
            audit.record(connection, "sms.opted_out", "user", user_id)

    database.run(context, work)


def start_sms(database: Database, context: Context, msisdn: str) -> None:
    """Send a number SMS again, whether STOP, the operator's list or a report had ended them.

    Africa's Talking has no call that takes a number off its own list: where that still refuses,
    the next message says so and marks the number again.
    """

    def work(connection: Connection) -> None:
        user_id = outbox_sending.mark_opted_in(connection, msisdn)
        if user_id is not None:
            audit.record(connection, "sms.opted_in", "user", user_id)

    database.run(context, work)


def set_sms_balance(database: Database, context: Context, user_id: int, *, enrolled: bool) -> None:
    """Let a customer ask for the balance by SMS without a PIN, or stop that.

    Whoever holds the phone can then read it, so the PIN is checked before.
    """

    def work(connection: Connection) -> None:
        messaging.store_sms_balance(connection, user_id, enrolled=enrolled)
        action = "sms_balance.enrolled" if enrolled else "sms_balance.left"
        audit.record(connection, action, "user", user_id)

    database.run(context, work)


def ask_email(database: Database, context: Context, user_id: int, address: str) -> Refusal | None:
    """Note an address and send it the code that confirms it. Nothing else goes there before."""

    def work(connection: Connection) -> Refusal | None:
        user = users.get(connection, user_id)
        if user is None:
            return Refusal(RefusalCode.NOT_REGISTERED)
        messaging.store_email_pending(connection, user_id, address)
        audit.record(connection, "email.asked", "user", user_id)
        outbox.put(
            connection,
            Message(
                user_id=user_id,
                recipient=address,
                language=user.language,
                template="email_code",
                params={
                    "name": user.first_name,
                    "nonce": _nonce(user_id, address, nairobi_day(datetime.now(UTC))).hex(),
                },
                channel="email",
            ),
        )
        return None

    return database.run(context, work)


def confirm_email(
    database: Database, context: Context, pepper: str, user_id: int, typed: str
) -> bool:
    """Confirm the noted address by the code that it received today or yesterday."""

    def work(connection: Connection) -> bool:
        user = users.get(connection, user_id)
        if user is None or user.email_pending is None:
            return False
        today = nairobi_day(datetime.now(UTC))
        matches = [
            one_time_codes.matches(pepper, _nonce(user_id, user.email_pending, day), typed)
            for day in (today, today - timedelta(days=1))
        ]
        if not any(matches):
            return False
        messaging.confirm_email(connection, user_id)
        audit.record(connection, "email.confirmed", "user", user_id)
        return True

    return database.run(context, work)


def _nonce(user_id: int, address: str, day: date) -> bytes:
    """Return what the code of an address is derived from: nothing needs to be stored."""
    material = f"email:{user_id}:{address}:{day.isoformat()}"
    return hashlib.sha256(material.encode()).digest()[: one_time_codes.NONCE_BYTES]
