"""Stops of all payouts: when the float is empty or Daraja no longer takes our credentials."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.commands.payment_parts import SYSTEM
from ledger.core.context import Context
from ledger.core.plans import Message
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import audit, outbox, payout_pauses
from ledger.db.engine import Connection, Database

OUT_OF_FLOAT = "out_of_float"


@dataclass(frozen=True, slots=True)
class Pause:
    """One stop. ``reason`` names what a person must mend before payouts go on."""

    id: int
    reason: str
    result_code: str
    payment_id: int | None
    paused_at: datetime


def reasons(connection: Connection) -> list[str]:
    """Return why payouts are stopped; an empty list when they are not."""
    return payout_pauses.open_reasons(connection)


def pause(connection: Connection, reason: str, result_code: str, payment_id: int) -> None:
    """Stop payouts for a reason, once however often it is found."""
    if payout_pauses.insert(connection, reason, result_code, payment_id):
        audit.record(
            connection,
            "payouts.paused",
            "payment",
            payment_id,
            new={"reason": reason, "result_code": result_code},
        )


def write_about(database: Database, addresses: Sequence[str]) -> int:
    """Put a letter to each address into the outbox for each stop that is new; returns how many."""

    def work(connection: Connection) -> int:
        letters = [
            Message(
                None,
                address,
                "en",
                "payouts_paused",
                {
                    "reason": stop["reason"],
                    "code": stop["result_code"],
                    "payment": stop["payment_id"],
                },
                channel="email",
            )
            for stop in payout_pauses.mark_alarmed(connection)
            for address in addresses
        ]
        for letter in letters:
            outbox.put(connection, letter)
        return len(letters)

    return database.run(SYSTEM, work)


def open_pauses(database: Database, context: Context) -> list[Pause]:
    """Return the stops in force, oldest first."""
    return database.run(
        context,
        lambda connection: [Pause(**row) for row in payout_pauses.open_rows(connection)],
    )


def resume(database: Database, context: Context, pause_id: int, *, why: str = "") -> Refusal | None:
    """Let payouts go on after a person has mended the cause."""

    def work(connection: Connection) -> Refusal | None:
        if not payout_pauses.close(connection, pause_id, context.actor):
            return Refusal(RefusalCode.STATE_CONFLICT)
        audit.record(connection, "payouts.resumed", "payout_pause", pause_id, new={"why": why})
        return None

    return database.run(context, work)
