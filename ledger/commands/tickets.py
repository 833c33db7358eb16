"""Complaints: a customer opens a ticket about a receipt, support answers and closes it."""

from datetime import UTC, datetime, timedelta

from ledger.core.context import Context
from ledger.core.gsm7 import septets
from ledger.core.plans import Message, new_receipt
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import audit, outbox, tickets, users
from ledger.db.engine import Connection, Database
from ledger.db.tickets import Ticket

TICKETS_PER_DAY_MAX = 5
ANSWER_SEPTETS_MAX = 120
"""What fits into one SMS beside the ticket's number."""


def open_ticket(
    database: Database,
    context: Context,
    user_id: int,
    body: str,
    *,
    receipt: str | None,
    source: str,
    reference: str,
) -> Ticket | Refusal:
    """Note a complaint and confirm its number by SMS. The same key gives the same ticket."""
    since = datetime.now(UTC) - timedelta(days=1)

    def work(connection: Connection) -> Ticket | Refusal:
        user = users.get(connection, user_id)
        if user is None:
            return Refusal(RefusalCode.NOT_REGISTERED)
        if tickets.count_since(connection, user_id, since) >= TICKETS_PER_DAY_MAX:
            return Refusal(RefusalCode.TICKETS_TODAY)
        ticket, is_new = tickets.insert(
            connection,
            number=f"T{new_receipt()[:6]}",
            user_id=user_id,
            receipt=receipt,
            body=body,
            source=source,
            reference=reference,
        )
        if is_new:
            message = Message(
                user_id,
                user.msisdn,
                user.language,
                "ticket_opened",
                {"ticket": ticket.number},
            )
            outbox.put(connection, message)
            audit.record(connection, "ticket.opened", "ticket", ticket.id)
        return ticket

    return database.run(context, work)


def answer_ticket(
    database: Database, context: Context, number: str, answer: str, why: str
) -> Ticket | Refusal:
    """Send a customer an answer by SMS; the ticket stays open.

    ``answer`` goes out as it stands, so it must be GSM-7 of at most ``ANSWER_SEPTETS_MAX``; it is
    kept in the audit log with ``why``.
    """
    if not 0 < (septets(answer) or 0) <= ANSWER_SEPTETS_MAX:
        return Refusal(RefusalCode.STATE_CONFLICT)

    def work(connection: Connection) -> Ticket | Refusal:
        ticket = tickets.take_open(connection, number)
        user = None if ticket is None else users.get(connection, ticket.user_id)
        if ticket is None or user is None:
            return Refusal(RefusalCode.STATE_CONFLICT)
        params = {"ticket": ticket.number, "answer": answer}
        message = Message(user.id, user.msisdn, user.language, "ticket_answered", params)
        outbox.put(connection, message)
        audit.record(
            connection, "ticket.answered", "ticket", ticket.id, new={"answer": answer, "why": why}
        )
        return ticket

    return database.run(context, work)


def close_ticket(database: Database, context: Context, number: str, why: str) -> Ticket | Refusal:
    """Close a ticket as whoever acts, saying why; refused when there is no such open one."""

    def work(connection: Connection) -> Ticket | Refusal:
        ticket = tickets.close(connection, number, context.actor)
        if ticket is None:
            return Refusal(RefusalCode.STATE_CONFLICT)
        audit.record(connection, "ticket.closed", "ticket", ticket.id, new={"why": why})
        return ticket

    return database.run(context, work)
