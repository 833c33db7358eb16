"""SQL of payments over M-Pesa."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from psycopg import Cursor
from psycopg.rows import RowMaker
from psycopg.sql import SQL, Identifier

from ledger.core.payments import Payment, PaymentKind, PaymentState
from ledger.db.engine import Connection

_COLUMNS = """
    id, kind, state, user_id, msisdn, amount, fee, token, account_reference, source, reference,
    channel, checkout_request_id, merchant_request_id, originator_conversation_id,
    conversation_id, mpesa_receipt, result_code, result_text, settled_by, transaction_id,
    hold_transaction_id, reverses_payment_id, suspense_reason, suspense_resolution,
    review_reason, payer_name,
    attempts, questions, due_at, created_at, submitted_at, paid_at, settled_at
"""
_NAMES = tuple(name.strip() for name in _COLUMNS.split(","))
_SELECT = f"SELECT {_COLUMNS} FROM payments "  # noqa: S608  # constants only


@dataclass(frozen=True, slots=True)
class NewPayment:
    """A payment to insert. ``due_at`` is when a worker should first act on it."""

    kind: PaymentKind
    state: PaymentState
    user_id: int | None
    msisdn: str | None
    amount: int
    fee: int
    token: str
    account_reference: str
    source: str
    reference: str
    channel: str
    due_at: datetime | None = None
    originator_conversation_id: str | None = None
    reverses_payment_id: int | None = None
    mpesa_receipt: str | None = None
    payer_name: str | None = None
    paid_at: datetime | None = None
    settled_by: str | None = None


def insert(connection: Connection, new: NewPayment) -> int | None:
    """Insert a payment; None when its (source, reference) or its receipt exists already."""
    row = connection.execute(
        "INSERT INTO payments (kind, state, user_id, msisdn, amount, fee, token,"
        " account_reference, source, reference, channel, due_at, originator_conversation_id,"
        " reverses_payment_id, mpesa_receipt, payer_name, paid_at, settled_by)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING RETURNING id",
        (
            new.kind.value,
            new.state.value,
            new.user_id,
            new.msisdn,
            new.amount,
            new.fee,
            new.token,
            new.account_reference,
            new.source,
            new.reference,
            new.channel,
            new.due_at,
            new.originator_conversation_id,
            new.reverses_payment_id,
            new.mpesa_receipt,
            new.payer_name,
            new.paid_at,
            new.settled_by,
        ),
    ).fetchone()
    return None if row is None else row["id"]


def get(connection: Connection, payment_id: int) -> Payment | None:
    """Return a payment by id."""
    return _one(connection, "WHERE id = %s", payment_id)


def find_by_reference(connection: Connection, source: str, reference: str) -> Payment | None:
    """Return the payment that an idempotency key made."""
    return _one(connection, "WHERE source = %s AND reference = %s", source, reference)


def find_by_receipt(connection: Connection, mpesa_receipt: str) -> Payment | None:
    """Return the payment that carries an M-Pesa receipt, whatever its kind."""
    return _one(connection, "WHERE mpesa_receipt = %s", mpesa_receipt)


def known_receipts(connection: Connection, receipts: list[str]) -> set[str]:
    """Return those of some M-Pesa receipts that a payment carries."""
    rows = connection.execute(
        "SELECT mpesa_receipt FROM payments WHERE mpesa_receipt = ANY (%s)", (receipts,)
    ).fetchall()
    return {row["mpesa_receipt"] for row in rows}


def find_by_checkout(connection: Connection, checkout_request_id: str) -> Payment | None:
    """Return the deposit behind a CheckoutRequestID."""
    return _one(connection, "WHERE checkout_request_id = %s", checkout_request_id)


def find_by_conversation(connection: Connection, conversation_id: str) -> Payment | None:
    """Return the payment behind a ConversationID or an OriginatorConversationID."""
    return _one(
        connection,
        "WHERE conversation_id = %s OR originator_conversation_id = %s",
        conversation_id,
        conversation_id,
    )


def find_deposit_by_account_reference(
    connection: Connection, account_reference: str
) -> Payment | None:
    """Return the deposit whose prompt carried an account reference."""
    return _one(connection, "WHERE account_reference = %s AND kind = 'deposit'", account_reference)


def lock_by_token(connection: Connection, token: str) -> Payment | None:
    """Lock and return the payment with a token."""
    return _one(connection, "WHERE token = %s FOR UPDATE", token)


def lock(connection: Connection, payment_id: int) -> Payment | None:
    """Lock and return a payment by id."""
    return _one(connection, "WHERE id = %s FOR UPDATE", payment_id)


def lock_prompts_of(connection: Connection, msisdn: str) -> None:
    """Let one request at a time decide about prompts to a phone, until the transaction ends."""
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('prompt:' || %s, 0))", [msisdn]
    )


def newest_prompt(
    connection: Connection, msisdn: str, *, within: timedelta, amount: int | None = None
) -> Payment | None:
    """Return the newest prompt to a phone in a recent span, of one amount if given.

    A prompt that certainly never left does not count.
    """
    return _one(
        connection,
        "WHERE kind = 'deposit' AND msisdn = %s AND created_at > now() - %s"
        " AND (%s::bigint IS NULL OR amount = %s)"
        " AND NOT (state = 'failed' AND submitted_at IS NULL)"
        " ORDER BY created_at DESC LIMIT 1",
        msisdn,
        within,
        amount,
        amount,
    )


def open_reversal_of(connection: Connection, payment_id: int) -> Payment | None:
    """Return a reversal of a payment that is open or done."""
    return _one(
        connection,
        "WHERE reverses_payment_id = %s AND state <> 'failed' ORDER BY id DESC LIMIT 1",
        payment_id,
    )


def due(
    connection: Connection,
    states: tuple[PaymentState, ...],
    limit: int,
    kinds: tuple[PaymentKind, ...] = tuple(PaymentKind),
) -> list[Payment]:
    """Lock and return payments in some states whose time has come; others' locks are skipped."""
    return _many(
        connection,
        "WHERE state = ANY (%s) AND kind = ANY (%s) AND due_at <= now()"
        " ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED",
        [state.value for state in states],
        [kind.value for kind in kinds],
        limit,
    )


def update(connection: Connection, payment_id: int, **changes: object) -> None:
    """Write some columns of a payment. Names are the columns'."""
    connection.execute(_update_of(tuple(changes)), (*changes.values(), payment_id))


@cache
def _update_of(names: tuple[str, ...]) -> bytes:
    assignments = SQL(", ").join(SQL("{} = %s").format(Identifier(name)) for name in names)
    return SQL("UPDATE payments SET {} WHERE id = %s").format(assignments).as_bytes()


def ask_now(connection: Connection) -> int:
    """Make the next question about each sent payment due; returns how many."""
    cursor = connection.execute(
        "UPDATE payments SET due_at = now()"
        " WHERE state IN ('pending', 'unknown') AND due_at > now()"
    )
    return cursor.rowcount


def open_of_user(connection: Connection, user_id: int) -> list[Payment]:
    """Return a customer's payments without a verdict, oldest first."""
    return _many(
        connection,
        "WHERE user_id = %s AND state IN ('created', 'submitting', 'pending', 'unknown')"
        " ORDER BY id",
        user_id,
    )


def newest_of_user(connection: Connection, user_id: int, limit: int) -> list[Payment]:
    """Return a customer's newest payments."""
    return _many(connection, "WHERE user_id = %s ORDER BY id DESC LIMIT %s", user_id, limit)


def waiting_longer_than(connection: Connection, age: timedelta) -> list[Payment]:
    """Return payments that have been without a verdict for longer than an age, oldest first."""
    return _many(
        connection,
        "WHERE state IN ('created', 'submitting', 'pending', 'unknown') AND created_at < now() - %s"
        " ORDER BY id LIMIT 1000",
        age,
    )


def for_review(connection: Connection, limit: int) -> list[Payment]:
    """Return payments that wait for a person: doubts, and money in suspense."""
    return _many(
        connection,
        "WHERE review_reason IS NOT NULL"
        " OR (suspense_reason IS NOT NULL AND suspense_resolution IS NULL)"
        " ORDER BY id DESC LIMIT %s",
        limit,
    )


def _one(connection: Connection, condition: str, *values: object) -> Payment | None:
    with connection.cursor(row_factory=_payment_row) as cursor:
        return cursor.execute(_SELECT.encode() + condition.encode(), values).fetchone()


def _many(connection: Connection, condition: str, *values: object) -> list[Payment]:
    with connection.cursor(row_factory=_payment_row) as cursor:
        return cursor.execute(_SELECT.encode() + condition.encode(), values).fetchall()


def _payment_row(_cursor: Cursor[Any]) -> RowMaker[Payment]:
    def make(values: Sequence[Any]) -> Payment:
        row = dict(zip(_NAMES, values, strict=True))
        row["kind"] = PaymentKind(row["kind"])
        row["state"] = PaymentState(row["state"])
        return Payment(**row)

    return make
