"""What a customer changes about themself, and what support may do to a wallet."""

from ledger.core.context import Context
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import accounts, audit, users
from ledger.db.engine import Connection, Database


def set_language(database: Database, context: Context, user_id: int, language: str) -> None:
    """Speak to a customer in ``en`` or ``sw`` from now on."""

    def work(connection: Connection) -> None:
        users.store_language(connection, user_id, language)
        audit.record(connection, "language.changed", "user", user_id, new={"language": language})

    database.run(context, work)


def freeze_wallet(database: Database, context: Context, user_id: int, why: str) -> Refusal | None:
    """Stop a wallet from paying and receiving until it is unfrozen."""
    return _set_wallet_status(database, context, user_id, "frozen", why)


def unfreeze_wallet(database: Database, context: Context, user_id: int, why: str) -> Refusal | None:
    """Let a frozen wallet pay and receive again."""
    return _set_wallet_status(database, context, user_id, "active", why)


def close_wallet(database: Database, context: Context, user_id: int, why: str) -> Refusal | None:
    """Close an empty wallet for good, and its customer with it."""
    return _set_wallet_status(database, context, user_id, "closed", why)


def _set_wallet_status(
    database: Database, context: Context, user_id: int, status: str, why: str
) -> Refusal | None:
    def work(connection: Connection) -> Refusal | None:
        user = users.get(connection, user_id)
        if user is None:
            return Refusal(RefusalCode.NOT_REGISTERED)
        old_status, outcome = accounts.set_status(connection, user.wallet_account_id, status)
        if outcome != "done":
            return Refusal(RefusalCode(outcome))
        # Asked with the wallet locked: no hold can come in between.
        if status == "closed" and accounts.has_open_payment(connection, user_id):
            return Refusal(RefusalCode.PAYMENT_PENDING)
        if status == "closed":
            users.store_status(connection, user_id, "closed")
        audit.record(
            connection,
            f"wallet.{status}",
            "user",
            user_id,
            old={"status": old_status},
            new={"status": status, "why": why},
        )
        return None

    return database.run(context, work)
