"""Calls of the posting kernel (``kernel.sql``)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import psycopg
from psycopg.rows import TupleRow, tuple_row

from ledger.core.chart import FIRST_WALLET_ID, Kind
from ledger.core.context import Context
from ledger.core.plans import (
    Message,
    Plan,
    Posted,
    RequestValue,
    digest_of,
    new_receipt,
    new_receipts,
)
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db.engine import Connection

_RECEIPT_ATTEMPTS_MAX = 3
_POST = (
    "SELECT outcome, figures, transaction_id, receipt, posted_at, balances"
    " FROM public.post_transaction(%s::text, %s::text, %s::text, %s::bytea, %s::text,"
    " %s::text, %s::text, %s::bigint[], %s::bigint[], %s::bigint[], %s::jsonb, %s::bigint,"
    " %s::bigint, %s::bigint, %s::text, %s::date, %s::bigint, %s::bigint, %s::jsonb)"
)
_POST_GROUP = (
    "SELECT call, transaction_id, posted_at, balances FROM public.post_transactions("
    "%s::text[], %s::text[], %s::text[], %s::bytea[], %s::text[], %s::text[], %s::text[],"
    " %s::jsonb[], %s::bigint[], %s::text[], %s::date[], %s::bigint[], %s::bigint[], %s::jsonb[],"
    " %s::integer[], %s::bigint[], %s::bigint[], %s::bigint[])"
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
                        json.dumps(_details(plan)),
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
    return _answer(row, plan.kind, plan.request, ids)


def posted_before(
    connection: Connection,
    kind: Kind,
    source: str,
    reference: str,
    request: Mapping[str, RequestValue],
) -> Posted | Refusal | None:
    """Return what stands under a key: the first answer, or that the request was another.

    A use-case asks this before it refuses for a reason of its own: whatever has changed since, a
    request that was posted keeps its answer. None when nothing stands there.
    """
    row = (
        connection.cursor(row_factory=tuple_row)
        .execute(
            "SELECT outcome, figures, transaction_id, receipt, posted_at, balances, account_ids"
            " FROM public.posted_under(%s, %s, %s)",
            (source, reference, digest_of(kind, request)),
        )
        .fetchone()
    )
    if row is None or row[0] is None:
        return None
    return _answer(row[:-1], kind, request, row[-1])


def post_group(
    connection: Connection, asked: Sequence[tuple[Context, Plan]]
) -> list[Posted | None]:
    """Post plans, each a transaction of its own, in one round trip and one commit.

    What needs a second look is left alone and answered with None: a wallet that is busy or
    that an earlier plan of the group touches, a refusal, a key that was used. Raises psycopg.Error
    when a plan fails in another way; then none is posted.
    """
    group: list[int] = []
    wallets: set[int] = set()
    for place, (_, plan) in enumerate(asked):
        if plan.payment_id is not None or plan.reverses_id is not None:
            raise ValueError("what belongs to a payment or reverses another is posted alone")
        touched = {account_id for account_id in plan.debits if account_id >= FIRST_WALLET_ID}
        if wallets.isdisjoint(touched):
            wallets |= touched
            group.append(place)
    if not group:
        return []
    calls = [asked[place] for place in group]
    receipts = new_receipts(len(calls))
    answers: list[Posted | None] = [None] * len(asked)
    rows = (
        connection.cursor(row_factory=tuple_row)
        .execute(_POST_GROUP, _group_arguments(calls, receipts))
        .fetchall()
    )
    for call, transaction_id, posted_at, balances in rows:
        place = group[call - 1]
        ids = sorted(asked[place][1].debits)
        receipt = receipts[call - 1]
        answers[place] = _posted(transaction_id, receipt, posted_at, ids, balances)
    return answers


def _group_arguments(calls: list[tuple[Context, Plan]], receipts: list[str]) -> list[str]:
    plans = [plan for _, plan in calls]
    usages = [plan.usage for plan in plans]
    legs = [
        (call, plan, account_id)
        for call, plan in enumerate(plans, start=1)
        for account_id in sorted(plan.debits)
    ]
    return [
        _texts(plan.kind.value for plan in plans),
        _texts(plan.source for plan in plans),
        _texts(plan.reference for plan in plans),
        _texts(f"\\x{plan.request_digest.hex()}" for plan in plans),
        _texts(receipts),
        _texts(context.actor for context, _ in calls),
        _texts(context.channel for context, _ in calls),
        _texts(json.dumps(_details(plan)) for plan in plans),
        _array("NULL" if usage is None else usage.account_id for usage in usages),
        _array("NULL" if usage is None else usage.kind for usage in usages),
        _array("NULL" if usage is None else usage.day for usage in usages),
        _array("NULL" if usage is None else usage.amount for usage in usages),
        _array("NULL" if usage is None else usage.daily_max for usage in usages),
        _texts(_messages(plan.messages) for plan in plans),
        _array(call for call, _, _ in legs),
        _array(account_id for _, _, account_id in legs),
        _array(plan.debits[account_id] for _, plan, account_id in legs),
        _array(plan.ceilings.get(account_id, "NULL") for _, plan, account_id in legs),
    ]


def _details(plan: Plan) -> dict[str, object]:
    return {"request": dict(plan.request), **plan.details}


def _array(values: Iterable[object]) -> str:
    """Write an array of plain words; psycopg would look for the type of each value first."""
    return f"{{{','.join(map(str, values))}}}"


def _texts(values: Iterable[str | None]) -> str:
    """Write an array of any texts."""
    return _array(
        "NULL" if value is None else '"' + value.replace("\\", r"\\").replace('"', r"\"") + '"'
        for value in values
    )


def _answer(
    row: TupleRow, kind: Kind, request: Mapping[str, RequestValue], ids: list[int]
) -> Posted | Refusal:
    outcome, figures, transaction_id, receipt, posted_at, balances = row
    if outcome in ("posted", "replayed"):
        replayed = outcome == "replayed"
        return _posted(transaction_id, receipt, posted_at, ids, balances, replayed=replayed)
    if outcome == "key_reused":
        return Refusal(RefusalCode.KEY_REUSED, {"field": _first_difference(figures, kind, request)})
    return Refusal(RefusalCode(str(outcome)), figures)


def _posted(
    transaction_id: int,
    receipt: str,
    posted_at: datetime,
    ids: list[int],
    balances: list[int | None],
    *,
    replayed: bool = False,
) -> Posted:
    return Posted(
        transaction_id=transaction_id,
        receipt=receipt,
        posted_at=posted_at,
        balances={
            account_id: balance
            for account_id, balance in zip(ids, balances, strict=True)
            if balance is not None
        },
        replayed=replayed,
    )


def _first_difference(
    stored: dict[str, object], kind: Kind, request: Mapping[str, RequestValue]
) -> str:
    """Name the field in which a request under a used key differs from the first one."""
    if stored["kind"] != kind:
        return "kind"
    details = stored["details"]
    first: dict[str, object] = details.get("request", {}) if isinstance(details, dict) else {}
    for name in sorted({*first, *request}):
        if first.get(name) != request.get(name):
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
