"""Registration: a customer and the one wallet, or neither."""

from ledger.core.context import Context
from ledger.core.people import NewUser, User
from ledger.core.pins import pin_problem
from ledger.core.plans import Message
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import audit, outbox, users
from ledger.db.engine import Connection, Database


def register(database: Database, context: Context, new: NewUser, pin: str) -> User | Refusal:
    """Create a customer, the wallet, the audit row and the welcome SMS in one transaction."""
    problem = pin_problem(pin, new.msisdn)
    if problem is not None:
        return Refusal(RefusalCode.PIN_WEAK, {"problem": problem})
    pin_hash = database.pin_hasher.hash(pin)

    def work(connection: Connection) -> User | Refusal:
        user_id = users.insert(connection, new, pin_hash)
        if user_id is None:
            return Refusal(RefusalCode.ALREADY_REGISTERED)
        chosen = {"language": new.language, "consent": new.consent_version}
        audit.record(connection, "user.registered", "user", user_id, new=chosen)
        outbox.put(connection, _welcome(new, user_id))
        user = users.get(connection, user_id)
        assert user is not None
        return user

    return database.run(context, work)


def _welcome(new: NewUser, user_id: int) -> Message:
    return Message(
        user_id=user_id,
        recipient=new.msisdn,
        language=new.language,
        template="welcome",
        params={"name": new.first_name},
    )
