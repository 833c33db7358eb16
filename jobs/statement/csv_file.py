"""Statements and trial balances as CSV: RFC 4180, UTF-8, ISO 8601 times, two decimals.

Money in, money out and fee are never negative; a balance may be. Text that a spreadsheet would
run as a formula gets an apostrophe in front.
"""

import csv
import hashlib
import io
from collections.abc import Iterable
from itertools import islice

from jobs.statement.pdf import fingerprint_of
from jobs.statement.sink import Sink
from jobs.statement.words import describe
from ledger.core.money import decimal_text
from ledger.core.statements import Line, Statement, TrialBalance

STATEMENT_COLUMNS = (
    "time", "reference", "type", "description", "counterparty", "counterparty_number",
    "mpesa_receipt", "note", "money_in", "money_out", "fee", "balance",
)  # fmt: skip
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_CHUNK = 1_000
_NAIROBI_OFFSET = "+03:00"


def render_csv(statement: Statement, out: Sink) -> bytes:
    """Write one row a line under a header and return the SHA-256 of the entries.

    Raises StatementMismatchError where the lines don't agree with the summary.
    """
    digest = hashlib.sha256()
    lines = statement.checked_lines()
    _write(out, [STATEMENT_COLUMNS])
    while chunk := list(islice(lines, _CHUNK)):
        digest.update(b"".join([fingerprint_of(line, line.at.isoformat()) for line in chunk]))
        _write(out, [_row(line, statement.summary.language) for line in chunk])
    return digest.digest()


def render_trial_balance_csv(balance: TrialBalance, out: Sink) -> None:
    """Write one row an account and one with the totals."""
    rows: list[Iterable[str]] = [("account", "name", "debit", "credit")]
    rows += [
        (row.code, row.name, decimal_text(row.debit), decimal_text(row.credit))
        for row in balance.rows
    ]
    rows.append(("TOTAL", "", decimal_text(balance.debits), decimal_text(balance.credits)))
    _write(out, rows)


def neutral(text: str | None) -> str:
    """Return a text that no spreadsheet takes for a formula; nothing for None."""
    if not text:
        return ""
    return "'" + text if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def _row(line: Line, language: str) -> tuple[str, ...]:
    at, receipt, kind, money_in, money_out, balance, fee, name, number, mpesa_receipt, note = line
    return (
        at.isoformat(timespec="seconds") + _NAIROBI_OFFSET,
        receipt,
        kind,
        neutral(describe(line, language)),
        neutral(name),
        neutral(number),
        neutral(mpesa_receipt),
        neutral(note),
        decimal_text(money_in),
        decimal_text(money_out),
        decimal_text(max(fee, 0)),
        decimal_text(balance),
    )


def _write(out: Sink, rows: Iterable[Iterable[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    out.write(text.getvalue().encode())
