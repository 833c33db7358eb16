"""Make statements as files: give each a reference, draw it, note its digest, hand it out.

A file is drawn into a stream of the caller's; nobody may get it before ``record_file`` has
committed, or it could not be verified.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from jobs.statement.csv_file import render_csv
from jobs.statement.sink import Sink
from jobs.statement.words import phrases
from ledger.commands.statements import issue_statement, record_file
from ledger.core.chart import SystemAccount
from ledger.core.context import Context
from ledger.core.refusals import Refusal, RefusalCode
from ledger.core.statements import CopiedStatement, IssuedStatement, Period, Statement, Summary
from ledger.db.engine import Database
from ledger.queries import users
from ledger.queries.statements import (
    system_copy,
    system_statement,
    wallet_copy,
    wallet_statement,
)

MEDIA_TYPES = {"pdf": "application/pdf", "csv": "text/csv"}

Entry = TypeVar("Entry")
Progress = Callable[[int, int], None]
"""Told how far a statement is: lines done, and lines in all."""


def _silent(done: int, total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A statement's file: what to call it, its kind, and what it says in short."""

    filename: str
    media_type: str
    issued: IssuedStatement
    summary: Summary


class _Hashing:
    """Passes bytes on and takes their SHA-256."""

    def __init__(self, out: Sink) -> None:
        self._out = out
        self.digest = hashlib.sha256()

    def write(self, content: bytes | bytearray, /) -> int:
        self.digest.update(content)
        return self._out.write(content)


def make_wallet_statement(
    database: Database,
    context: Context,
    user_id: int,
    period: Period,
    *,
    file_format: str,
    public_url: str,
    out: Sink,
    language: str | None = None,
    progress: Progress = _silent,
) -> MadeFile | Refusal:
    """Issue a customer's statement as ``pdf`` or ``csv`` and write it to ``out``.

    Raises StatementMismatchError when the ledger's sums disagree; what was written so far
    must then be thrown away.
    """
    user = users.get(database, context, user_id)
    if user is None:
        return Refusal(RefusalCode.NOT_REGISTERED)
    issued = issue_statement(
        database,
        context,
        user_id=user_id,
        account_id=user.wallet_account_id,
        period=period,
        file_format=file_format,
        language=language or user.language,
    )
    return draw(database, context, issued, public_url, out, progress)


def make_system_statement(
    database: Database,
    context: Context,
    account: SystemAccount,
    period: Period,
    *,
    file_format: str,
    public_url: str,
    out: Sink,
    progress: Progress = _silent,
) -> MadeFile:
    """Issue the statement of one of the organisation's accounts and write it to ``out``."""
    issued = issue_statement(
        database,
        context,
        user_id=None,
        account_id=int(account),
        period=period,
        file_format=file_format,
        language="en",
    )
    return draw(database, context, issued, public_url, out, progress)


def draw(
    database: Database,
    context: Context,
    issued: IssuedStatement,
    public_url: str,
    out: Sink,
    progress: Progress = _silent,
) -> MadeFile:
    """Draw a statement that has its reference, and note the file's digest."""
    hashing = _Hashing(out)
    draw_it = _draw_csv if issued.format == "csv" else _draw_pdf
    summary, entries_digest = draw_it(database, context, issued, public_url, hashing, progress)
    record_file(
        database,
        context,
        issued,
        digest=hashing.digest.digest(),
        entries_digest=entries_digest,
        lines=summary.lines,
    )
    period = issued.period
    name = f"cycle-{summary.number}-{period.first_day}-{period.last_day}"
    return MadeFile(
        filename=f"{name.lower()}-{issued.reference}.{issued.format}",
        media_type=MEDIA_TYPES[issued.format],
        issued=issued,
        summary=summary,
    )


def verify_url(public_url: str, reference: str) -> str:
    """Return the page on which anybody can check a statement."""
    return f"{public_url}/verify/{reference}"


def _draw_csv(
    database: Database,
    context: Context,
    issued: IssuedStatement,
    public_url: str,
    out: Sink,
    progress: Progress,
) -> tuple[Summary, bytes]:
    told = phrases(issued.language)
    opened = (
        system_copy(database, context, SystemAccount(issued.account_id), issued.period, told)
        if issued.user_id is None
        else wallet_copy(database, context, issued.user_id, issued.period, told)
    )
    with opened as copied:
        assert isinstance(copied, CopiedStatement)
        summary = replace(copied.summary, language=issued.language)
        rows = _counted(copied.rows, summary.lines, progress)
        return summary, render_csv(CopiedStatement(summary, rows), out)


def _draw_pdf(
    database: Database,
    context: Context,
    issued: IssuedStatement,
    public_url: str,
    out: Sink,
    progress: Progress,
) -> tuple[Summary, bytes]:
    # Here: fpdf takes a quarter of a second, which most processes never need.
    from jobs.statement.pdf import Issue, render_pdf

    opened = (
        system_statement(database, context, SystemAccount(issued.account_id), issued.period)
        if issued.user_id is None
        else wallet_statement(database, context, issued.user_id, issued.period)
    )
    issue = Issue(
        reference=issued.reference,
        verify_url=verify_url(public_url, issued.reference),
        issued_at=issued.created_at,
    )
    with opened as statement:
        assert isinstance(statement, Statement)
        summary = replace(statement.summary, language=issued.language)
        lines = _counted(statement.lines, summary.lines, progress)
        return summary, render_pdf(Statement(summary, lines), issue, out)


def _counted(entries: Iterable[Entry], total: int, progress: Progress) -> Iterator[Entry]:
    for done, entry in enumerate(entries, start=1):
        if done % 500 == 0 or done == total:
            progress(done, total)
        yield entry
