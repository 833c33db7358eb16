"""What staff do by the console beyond the commands that exist for everybody. All is audited."""

from dataclasses import asdict
from datetime import datetime

from ledger.core.context import Context
from ledger.core.plans import Message
from ledger.core.refusals import Refusal, RefusalCode
from ledger.core.rules import UNUSED_FIGURES, Limit
from ledger.db import audit, console, outbox, rules
from ledger.db.engine import Connection, Database


def resend_message(
    database: Database, context: Context, user_id: int, message_id: int, why: str
) -> int | Refusal:
    """Send a message to its customer once more; one-time codes are not sent again."""

    def work(connection: Connection) -> int | Refusal:
        row = console.message_of_customer(connection, user_id, message_id)
        if row is None or "nonce" in row["params"]:
            return Refusal(RefusalCode.STATE_CONFLICT)
        message = Message(
            user_id=user_id,
            recipient=row["recipient"],
            language=row["language"],
            template=row["template"],
            params=row["params"],
            channel=row["channel"],
        )
        copy_id = outbox.put(connection, message)
        audit.record(
            connection,
            "message.resent",
            "user",
            user_id,
            new={"why": why, "message": message_id, "copy": copy_id},
        )
        return copy_id

    return database.run(context, work)


def set_limit(
    database: Database,
    context: Context,
    kind: str,
    limit: Limit,
    *,
    valid_from: datetime,
    why: str,
) -> None:
    """Let a limit hold from a moment on."""

    def work(connection: Connection) -> None:
        rules.set_limit(connection, kind, limit, valid_from=valid_from, set_by=context.actor)
        unused = UNUSED_FIGURES.get(kind, frozenset())
        figures = {name: cents for name, cents in asdict(limit).items() if name not in unused}
        audit.record(
            connection,
            "limit.set",
            "limit",
            0,
            new={"kind": kind, **figures, "valid_from": valid_from.isoformat(), "why": why},
        )

    database.run(context, work)


def set_tariff(
    database: Database,
    context: Context,
    kind: str,
    bands: list[tuple[int, int]],
    *,
    valid_from: datetime,
    why: str,
) -> None:
    """Let a tariff, (up to, fee) in cents, hold from a moment on."""

    def work(connection: Connection) -> None:
        rules.set_tariff(connection, kind, bands, valid_from=valid_from, set_by=context.actor)
        audit.record(
            connection,
            "tariff.set",
            "tariff",
            0,
            new={"kind": kind, "bands": bands, "valid_from": valid_from.isoformat(), "why": why},
        )

    database.run(context, work)
