"""The customer's history, in keyset pages: the cursor is a place, not a number of rows."""

import base64
import binascii
from datetime import UTC, date, datetime, time, timedelta

from flask import Blueprint

from ledger.core.rules import NAIROBI
from ledger.db.movements import Movement, MovementCursor
from ledger.queries import transactions
from ledger.queries.transactions import Wanted
from ussd_app.channels.api.auth import number_of
from ussd_app.channels.api.models import Transaction, TransactionPage, TransactionQuery
from ussd_app.channels.api.operations import Incoming, Operation, declare
from ussd_app.channels.api.problems import ProblemError

_ID_DIGITS_MAX = 18


def attach(blueprint: Blueprint) -> None:
    """Declare the operations of this module."""
    for operation in _OPERATIONS:
        declare(blueprint, operation)


def nairobi_span(first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """Return where the first day begins and where the day after the last one does.

    Ends the request when the days stand the wrong way round or beyond the calendar.
    """
    if first is not None and last is not None and last < first:
        raise ProblemError(400, "invalid_request", "endDate is before startDate.")
    try:
        begin = None if first is None else datetime.combine(first, time(), NAIROBI)
        end = None if last is None else datetime.combine(last + timedelta(1), time(), NAIROBI)
        # Beyond the calendar in UTC although not in Nairobi.
        return begin and begin.astimezone(UTC), end and end.astimezone(UTC)
    except OverflowError:
        raise ProblemError(400, "invalid_request", "The dates are out of range.") from None


def _page(incoming: Incoming) -> TransactionPage:
    query: TransactionQuery = incoming.query
    since, before = nairobi_span(query.start_date, query.end_date)
    found = transactions.page(
        incoming.services.database,
        incoming.context,
        incoming.user_id,
        Wanted(
            since,
            before,
            query.type,
            query.status,
            None if query.counterparty is None else number_of(query.counterparty),
        ),
        limit=query.limit + 1,
        cursor=_read_cursor(query.cursor),
    )
    shown = found[: query.limit]
    more = len(found) > query.limit
    return TransactionPage.model_construct(
        transactions=[_shown(movement) for movement in shown],
        count=len(shown),
        next_cursor=_cursor_after(shown[-1]) if more else None,
    )


def _one(incoming: Incoming) -> Transaction:
    wanted: str = incoming.arguments["transactionId"]
    by_id = wanted.isdecimal() and wanted.isascii() and len(wanted) <= _ID_DIGITS_MAX
    found = None
    if wanted.isascii() and wanted.isalnum():
        found = transactions.get(
            incoming.services.database,
            incoming.context,
            incoming.user_id,
            int(wanted) if by_id else wanted,
        )
    if found is None:
        raise ProblemError(404, "transaction_unknown", "There is no such transaction.")
    return _shown(found)


def _shown(movement: Movement) -> Transaction:
    party = movement.counterparty or {}
    kind = transactions.type_of(movement.kind)
    name = party.get("name") or None
    preposition = "from" if movement.is_money_in else "to"
    return Transaction.model_construct(
        id=str(movement.transaction_id),
        reference=movement.receipt,
        transaction_type=kind,
        description=f"{kind.capitalize()} {preposition} {name}" if name else kind.capitalize(),
        status=movement.status,
        direction="credit" if movement.is_money_in else "debit",
        amount=movement.amount - movement.fee,
        fee=movement.fee,
        balance_before=movement.balance_before,
        balance_after=movement.balance_after,
        counterparty_name=name,
        counterparty_phone=party.get("msisdn") or None,
        mpesa_receipt_number=movement.mpesa_receipt,
        created_at=movement.posted_at,
    )


def _cursor_after(movement: Movement) -> str:
    microseconds = (movement.posted_at - _EPOCH) // timedelta(microseconds=1)
    text = f"{microseconds}.{movement.transaction_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(text: str | None) -> MovementCursor | None:
    if text is None:
        return None
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
        microseconds, _, transaction_id = plain.partition(".")
        place = _EPOCH + timedelta(microseconds=int(microseconds)), int(transaction_id)
    except (ValueError, OverflowError, binascii.Error):
        raise ProblemError(400, "invalid_request", "This cursor is not one of ours.") from None
    if not 0 <= place[1] < 2**63:
        raise ProblemError(400, "invalid_request", "This cursor is not one of ours.")
    return place


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OPERATIONS = (
    Operation(
        "listTransactions",
        "GET",
        "/wallet/transactions",
        "The history of the wallet, newest first.",
        _page,
        TransactionPage,
        query=TransactionQuery,
        problems=(422,),
    ),
    Operation(
        "getTransaction",
        "GET",
        "/wallet/transactions/<transactionId>",
        "One transaction by id or receipt: the own leg, and who the other side is.",
        _one,
        Transaction,
    ),
)
