"""The guard against harvesting names: a sender sees names to pay, not to collect them."""

from datetime import UTC, datetime

from ledger.core.context import Context
from ledger.core.msisdn import daraja_hash
from ledger.core.refusals import Refusal, RefusalCode
from ledger.core.rules import nairobi_day
from ledger.db import name_lookups
from ledger.db.engine import Connection, Database

UNPAID_PER_DAY_MAX = 5
"""Hakikisha's measure: after five abandoned confirmations a day no more names are shown."""


def note_lookup(database: Database, context: Context, user_id: int, msisdn: str) -> Refusal | None:
    """Count that a customer is about to learn who owns a number; refuse the sixth in vain.

    Numbers without a customer count too: that answer tells something as well. The same number
    again on the same Nairobi day is no new look-up.
    """
    day = nairobi_day(datetime.now(UTC))
    hashed = daraja_hash(msisdn)

    def work(connection: Connection) -> Refusal | None:
        name_lookups.lock_customer(connection, user_id)
        if name_lookups.is_known(connection, user_id, day, hashed):
            return None
        if name_lookups.count_unpaid(connection, user_id, day) >= UNPAID_PER_DAY_MAX:
            return Refusal(RefusalCode.LOOKUPS_TODAY)
        name_lookups.insert(connection, user_id, day, hashed)
        return None

    return database.run(context, work)


def note_payment(database: Database, context: Context, user_id: int, msisdn: str) -> None:
    """Take a look-up out of the count: the customer paid whom they looked up."""
    day = nairobi_day(datetime.now(UTC))

    def work(connection: Connection) -> None:
        name_lookups.mark_paid(connection, user_id, day, daraja_hash(msisdn))

    database.run(context, work)
