"""Keep how customers' USSD sessions went."""

from ledger.core.contact import UssdSession
from ledger.core.context import Context
from ledger.db import ussd_sessions
from ledger.db.engine import Database

_GATEWAY = Context.of_system("ussd")


def keep(database: Database, session: UssdSession) -> bool:
    """Keep a session once; a number that is no customer's leaves no trace."""
    return database.run(_GATEWAY, lambda connection: ussd_sessions.insert(connection, session))
