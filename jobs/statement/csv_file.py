"""Statements and trial balances as CSV: RFC 4180, UTF-8, ISO 8601 dates, two decimals.

Dates and times are Nairobi's, in columns of their own, so that spreadsheets know them as such.
Money in, money out and fee are never negative; a balance may be. Text that a spreadsheet would
run as a formula gets an apostrophe in front.

PostgreSQL writes a statement's rows, several times faster than Python could; what it can't
know is done here: check each balance, end lines in CRLF, and take the sting out of formulas.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from itertools import islice

from jobs.statement.sink import Sink
from ledger.core.money import decimal_text
from ledger.core.statements import (
    CopiedStatement,
    StatementMismatchError,
    Summary,
    TrialBalance,
)

STATEMENT_COLUMNS = (
    "date", "time", "reference", "type", "description", "counterparty", "counterparty_number",
    "mpesa_receipt", "note", "money_in", "money_out", "fee", "balance",
)  # fmt: skip
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# A cell that begins with one of those, or with what may hide one: a space, a quote, the first
# byte of a full-width sign. Such a row is read again, which costs time and changes nothing else.
_SUSPECT = re.compile(b',[" =+@\\t\\r\\n\xef-]')
_TEXT_CELLS = slice(3, 8)
_CHUNK = 1_000


def render_csv(statement: CopiedStatement, out: Sink) -> bytes:
    """Write one row a line under a header and return the SHA-256 of it all.

    Raises StatementMismatchError where the rows don't agree with the summary.
    """
    digest = hashlib.sha256()
    rows = _checked_rows(statement)
    chunk = [",".join(STATEMENT_COLUMNS).encode()]
    while chunk:
        content = b"\r\n".join(chunk) + b"\r\n"
        digest.update(content)
        out.write(content)
        chunk = list(islice(rows, _CHUNK))
    return digest.digest()


def render_trial_balance_csv(balance: TrialBalance, out: Sink) -> None:
    """Write one row an account and one with the totals."""
    rows: list[Iterable[str]] = [("account", "name", "debit", "credit")]
    rows += [
        (row.code, row.name, decimal_text(row.debit), decimal_text(row.credit))
        for row in balance.rows
    ]
    rows.append(("TOTAL", "", decimal_text(balance.debits), decimal_text(balance.credits)))
    out.write(_encoded(rows))


def neutral(text: str | None) -> str:
    """Return a text that no spreadsheet takes for a formula; nothing for None."""
    if not text:
        return ""
    if text[0].isalnum():
        return text
    return "'" + text if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def _checked_rows(statement: CopiedStatement) -> Iterator[bytes]:
    """Yield the file's rows without line ends, each continuing the balance before it."""
    summary = statement.summary
    balance = summary.opening
    count = 0
    suspect = _SUSPECT.search
    for row in statement.rows:
        texts, money_in, money_out, _, told = row.rsplit(b",", 4)
        balance += int(money_in.replace(b".", b"")) - int(money_out.replace(b".", b""))
        row = row[:-1]
        if told == b"\n":
            row += decimal_text(balance).encode()
        elif int(told.replace(b".", b"")) != balance:
            receipt = texts.split(b",", 2)[1].decode()
            raise _mismatch(summary, f"{receipt} leaves {told.decode().strip()}, not {balance}")
        if suspect(texts) is not None:
            row = _neutral_row(row)
        count += 1
        yield b"%b,%b%b" % (row[:10], row[11:19], row[row.index(b",", 19) :])
    if count != summary.lines or balance != summary.closing:
        problem = f"{count} rows end at {balance}, the summary has {summary.lines}"
        raise _mismatch(summary, f"{problem} and {summary.closing}")


def _mismatch(summary: Summary, problem: str) -> StatementMismatchError:
    return StatementMismatchError(f"account {summary.account_id}: {problem}")


def _neutral_row(row: bytes) -> bytes:
    (cells,) = csv.reader([row.decode()], strict=True)
    cells[_TEXT_CELLS] = map(neutral, cells[_TEXT_CELLS])
    return _encoded([cells])[:-2]


def _encoded(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
