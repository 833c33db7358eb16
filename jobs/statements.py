"""Make statements as files: give each a reference, draw it, note its digest, hand it out.

A file is drawn into a stream of the caller's; nobody may get it before ``record_file`` has
committed, or it could not be verified.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from jobs.statement.csv_file import render_csv
from jobs.statement.pdf import Issue, render_pdf
from jobs.statement.sink import Sink
from ledger.commands.statements import issue_statement, record_file
from ledger.core.chart import SystemAccount
from ledger.core.context import Context
from ledger.core.refusals import Refusal, RefusalCode
from ledger.core.statements import IssuedStatement, Line, Period, Statement, Summary
from ledger.db.engine import Database
from ledger.queries import users
from ledger.queries.statements import system_statement, wallet_statement

MEDIA_TYPES = {"pdf": "application/pdf", "csv": "text/csv"}


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
    opened = (
        system_statement(database, context, SystemAccount(issued.account_id), issued.period)
        if issued.user_id is None
        else wallet_statement(
            database, context, issued.user_id, issued.period, with_fees=issued.format == "pdf"
        )
    )
    hashing = _Hashing(out)
    with opened as statement:
        assert isinstance(statement, Statement)
        summary = replace(statement.summary, language=issued.language)
        counted = Statement(summary, _counted(statement, progress))
        entries_digest = _render(counted, issued, public_url, hashing)
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


def _render(
    statement: Statement, issued: IssuedStatement, public_url: str, hashing: _Hashing
) -> bytes:
    if issued.format == "csv":
        return render_csv(statement, hashing)
    issue = Issue(
        reference=issued.reference,
        verify_url=verify_url(public_url, issued.reference),
        issued_at=issued.created_at,
    )
    return render_pdf(statement, issue, hashing)


def _counted(statement: Statement, progress: Progress) -> Iterator[Line]:
    total = statement.summary.lines
    for done, line in enumerate(statement.lines, start=1):
        if done % 500 == 0 or done == total:
            progress(done, total)
        yield line
