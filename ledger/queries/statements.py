"""Statements and the trial balance, each read in one snapshot and checked before use."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from ledger.core.chart import SystemAccount
from ledger.core.context import Context
from ledger.core.refusals import Refusal, RefusalCode
from ledger.core.rules import nairobi_day
from ledger.core.statements import (
    CopiedStatement,
    Hold,
    Period,
    Statement,
    Summary,
    TrialBalance,
    Verdict,
)
from ledger.db import issued_statements, statements
from ledger.db.engine import Connection, Database
from ledger.db.statements import AccountRow

_VERIFIER = Context.of_system("statement-verifier")
_PAGE = 500


@contextmanager
def _snapshot(database: Database, context: Context) -> Iterator[Connection]:
    with database.snapshot(context) as connection:
        statements.tell_nairobi_time(connection)
        yield connection


@contextmanager
def wallet_statement(
    database: Database, context: Context, user_id: int, period: Period
) -> Iterator[Statement | Refusal]:
    """Open the statement of a customer's wallet; its lines can be read inside the block.

    Raises StatementMismatchError, before anything is given out, when its sums disagree.
    """
    with _snapshot(database, context) as connection:
        found = statements.wallet_of(connection, user_id)
        if found is None:
            yield Refusal(RefusalCode.NOT_REGISTERED)
        else:
            yield _statement(connection, found, period, with_fees=True)


@contextmanager
def wallet_copy(
    database: Database, context: Context, user_id: int, period: Period, phrases: Mapping[str, str]
) -> Iterator[CopiedStatement | Refusal]:
    """Open the statement of a wallet as rows of CSV; the summary's fees are zero.

    Raises StatementMismatchError as ``wallet_statement`` does.
    """
    with _snapshot(database, context) as connection:
        found = statements.wallet_of(connection, user_id)
        if found is None:
            yield Refusal(RefusalCode.NOT_REGISTERED)
        else:
            yield _copy(connection, found, period, phrases)


@contextmanager
def system_statement(
    database: Database, context: Context, account: SystemAccount, period: Period
) -> Iterator[Statement]:
    """Open the statement of one of the organisation's own accounts, such as the float."""
    with _snapshot(database, context) as connection:
        found = statements.account(connection, account)
        assert found is not None
        yield _statement(connection, found, period, with_fees=False)


@contextmanager
def system_copy(
    database: Database,
    context: Context,
    account: SystemAccount,
    period: Period,
    phrases: Mapping[str, str],
) -> Iterator[CopiedStatement]:
    """Open the statement of one of the organisation's own accounts as rows of CSV."""
    with _snapshot(database, context) as connection:
        found = statements.account(connection, account)
        assert found is not None
        yield _copy(connection, found, period, phrases)


def _statement(
    connection: Connection, found: AccountRow, period: Period, *, with_fees: bool
) -> Statement:
    summary = _summary(connection, found, period, with_fees=with_fees)
    return Statement(summary, statements.lines(connection, found, period, summary.opening))


def _copy(
    connection: Connection, found: AccountRow, period: Period, phrases: Mapping[str, str]
) -> CopiedStatement:
    summary = _summary(connection, found, period, with_fees=False)
    return CopiedStatement(summary, statements.copied_rows(connection, found, period, phrases))


def _summary(
    connection: Connection, found: AccountRow, period: Period, *, with_fees: bool
) -> Summary:
    """Read a statement's sums and check them; without fees they come much faster."""
    holds: tuple[Hold, ...] = ()
    if found.user_id is not None:
        holds = statements.open_holds(connection, found.user_id, period.end)
    summary = Summary(
        account_id=found.id,
        account_code=found.code,
        number=found.number,
        name=found.name,
        msisdn=found.msisdn,
        language=found.language or "en",
        period=period,
        opening=statements.balance_before(connection, found, period.start),
        closing=statements.balance_before(connection, found, period.end),
        days=statements.day_sums(connection, found, period, with_fees=with_fees),
        holds=holds,
    )
    summary.check()
    return summary


def wallet_holders(database: Database, context: Context) -> Iterator[int]:
    """Yield the ids of all customers with a wallet, a page in memory at a time."""
    last = 0
    while True:
        with database.transaction(context) as connection:
            ids = statements.wallet_user_ids(connection, last, _PAGE)
        if not ids:
            return
        yield from ids
        last = ids[-1]


def trial_balance(database: Database, context: Context, before: datetime) -> TrialBalance:
    """Return all balances just before a moment, such as a Nairobi midnight.

    Raises StatementMismatchError when debits and credits differ.
    """
    with database.snapshot(context) as connection:
        rows = statements.trial_balance(connection, before)
    balance = TrialBalance(nairobi_day(before - timedelta(microseconds=1)), rows)
    balance.check()
    return balance


def judge_file(
    database: Database, digest: bytes, claimed_reference: str | None
) -> tuple[Verdict, str | None]:
    """Say whether a file with this SHA-256 is ours, and under which reference.

    ``claimed_reference`` is what the file says of itself; it tells an altered file from one
    that we never issued.
    """
    with database.transaction(_VERIFIER) as connection:
        reference = issued_statements.reference_of_file(connection, digest)
        if reference is not None:
            return Verdict.GENUINE, reference
        if claimed_reference and issued_statements.issued_at(connection, claimed_reference):
            return Verdict.ALTERED, claimed_reference
    return Verdict.UNKNOWN, None


def issue_moment(database: Database, reference: str) -> datetime | None:
    """Return when a statement was issued, and nothing else about it; None when it never was."""
    with database.transaction(_VERIFIER) as connection:
        return issued_statements.issued_at(connection, reference)
