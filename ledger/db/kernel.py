"""Calls of the posting kernel (``kernel.sql``)."""

import json
from collections.abc import Iterable, Iterator

import psycopg
from psycopg.rows import TupleRow, tuple_row

from ledger.core.context import Context
from ledger.core.plans import Message, Plan, Posted, new_receipt
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db.engine import Connection

_RECEIPT_ATTEMPTS_MAX = 3
_POST = (
    "SELECT outcome, figures, transaction_id, receipt, posted_at, balances"
    " FROM public.post_transaction(%s::text, %s::text, %s::text, %s::bytea, %s::text,"
    " %s::text, %s::text, %s::bigint[], %s::bigint[], %s::bigint[], %s::jsonb, %s::bigint,"
    " %s::bigint, %s::bigint, %s::text, %s::date, %s::bigint, %s::bigint, %s::jsonb)"
)


def post(connection: Connection, context: Context, plan: Plan) -> Posted | Refusal:
    """Post a plan in one round trip, or return why not.

    Inside an open transaction it becomes part of that; on a connection in autocommit mode it
    is a transaction of its own. A refusal leaves nothing of the plan behind.
    """
    ids = sorted(plan.debits)
    usage = plan.usage
    ceilings = plan.ceilings
    for attempt in range(1, _RECEIPT_ATTEMPTS_MAX + 1):
        try:
            row = (
                connection.cursor(row_factory=tuple_row)
                .execute(
                    _POST,
                    (
                        plan.kind.value,
                        plan.source,
                        plan.reference,
                        plan.request_digest,
                        new_receipt(),
                        context.actor,
                        context.channel,
                        _array(ids),
                        _array(plan.debits[account_id] for account_id in ids),
                        _array(ceilings.get(account_id, "NULL") for account_id in ids)
                        if ceilings
                        else None,
                        json.dumps({"request": dict(plan.request), **plan.details}),
                        plan.payment_id,
                        plan.reverses_id,
                        usage and usage.account_id,
                        usage and usage.kind,
                        usage and usage.day,
                        usage and usage.amount,
                        usage and usage.daily_max,
                        _messages(plan.messages),
                    ),
                )
                .fetchone()
            )
            break
        except psycopg.errors.UniqueViolation as violation:
            # One receipt in 800 million million is drawn twice; outside a transaction draw again.
            drawn_twice = violation.diag.constraint_name == "transactions_receipt_unique"
            in_transaction = connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE
            if not drawn_twice or in_transaction or attempt == _RECEIPT_ATTEMPTS_MAX:
                raise
    if row is None:
        raise AssertionError("the kernel always answers with one row")
    return _answer(row, plan, ids)


def _array(values: Iterable[object]) -> str:
    """Write a bigint[]; psycopg would look for the type of each value first."""
    return f"{{{','.join(map(str, values))}}}"


def _answer(row: TupleRow, plan: Plan, ids: list[int]) -> Posted | Refusal:
    outcome, figures, transaction_id, receipt, posted_at, balances = row
    if outcome in ("posted", "replayed"):
        return Posted(
            transaction_id=transaction_id,
            receipt=receipt,
            posted_at=posted_at,
            balances={
                account_id: balance
                for account_id, balance in zip(ids, balances, strict=True)
                if balance is not None
            },
            replayed=outcome == "replayed",
        )
    if outcome == "key_reused":
        return Refusal(RefusalCode.KEY_REUSED, {"field": _first_difference(figures, plan)})
    return Refusal(RefusalCode(str(outcome)), figures)


def _first_difference(stored: dict[str, object], plan: Plan) -> str:
    """Name the field in which a request under a used key differs from the first one."""
    if stored["kind"] != plan.kind:
        return "kind"
    details = stored["details"]
    request: dict[str, object] = details.get("request", {}) if isinstance(details, dict) else {}
    for name in sorted({*request, *plan.request}):
        if request.get(name) != plan.request.get(name):
            return name
    return "request"


def _messages(messages: tuple[Message, ...]) -> str | None:
    if not messages:
        return None
    return json.dumps(
        [
            {
                "channel": channel,
                "user_id": message.user_id,
                "recipient": recipient,
                "template": message.template,
                "language": message.language,
                "params": dict(message.params),
                "balance_of": message.balance_of,
            }
            for message in messages
            for channel, recipient in _ways(message)
        ]
    )


def _ways(message: Message) -> Iterator[tuple[str, str]]:
    """Yield where a message goes: a confirmed address gets what the phone gets."""
    yield message.channel, message.recipient
    if message.email is not None:
        yield "email", message.email
