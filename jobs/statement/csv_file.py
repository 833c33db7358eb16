"""Statements and trial balances as CSV: RFC 4180, UTF-8, ISO 8601 dates, two decimals.

Dates and times are Nairobi's, in columns of their own, so that spreadsheets know them as such.
Money in, money out and fee are never negative; a balance may be. Text that a spreadsheet would
run as a formula gets an apostrophe in front.
"""

import csv
import hashlib
import io
from collections.abc import Iterable
from itertools import islice
from typing import Protocol

from jobs.statement.sink import Sink
from jobs.statement.words import describe
from ledger.core.money import decimal_text
from ledger.core.statements import Line, Statement, TrialBalance

STATEMENT_COLUMNS = (
    "date", "time", "reference", "type", "description", "counterparty", "counterparty_number",
    "mpesa_receipt", "note", "money_in", "money_out", "fee", "balance",
)  # fmt: skip
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_CHUNK = 1_000
_ZERO = "0.00"
_REMEMBERED_MAX = 10_000


def render_csv(statement: Statement, out: Sink) -> bytes:
    """Write one row a line under a header and return the SHA-256 of it all.

    Raises StatementMismatchError where the lines don't agree with the summary.
    """
    digest = hashlib.sha256()
    describe_once = _Descriptions(statement.summary.language)
    lines = statement.checked_lines()
    _write(out, [STATEMENT_COLUMNS], digest)
    while chunk := list(islice(lines, _CHUNK)):
        _write(out, [_row(line, describe_once) for line in chunk], digest)
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
    if text[0].isalnum():
        return text
    return "'" + text if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


class Hash(Protocol):
    """Takes bytes, as the hashes of hashlib do."""

    def update(self, content: bytes, /) -> None:
        """Take some bytes."""


class _Descriptions(dict[tuple[str, bool, str | None], str]):
    """Neutral descriptions by kind, side and name, made once each."""

    def __init__(self, language: str) -> None:
        self._language = language

    def of(self, line: Line) -> str:
        key = (line.kind, line.money_in > 0, line.name)
        found = self.get(key)
        if found is None:
            if len(self) > _REMEMBERED_MAX:
                self.clear()
            found = self[key] = neutral(describe(line, self._language))
        return found


def _row(line: Line, descriptions: _Descriptions) -> tuple[str, ...]:
    at, receipt, kind, money_in, money_out, balance, fee, name, number, mpesa_receipt, note = line
    moment = at.isoformat()
    return (
        moment[:10],
        moment[11:19],
        receipt,
        kind,
        descriptions.of(line),
        neutral(name),
        neutral(number),
        neutral(mpesa_receipt),
        neutral(note),
        decimal_text(money_in) if money_in else _ZERO,
        decimal_text(money_out) if money_out else _ZERO,
        decimal_text(fee) if fee > 0 else _ZERO,
        decimal_text(balance),
    )


def _write(out: Sink, rows: Iterable[Iterable[str]], digest: Hash | None = None) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    content = text.getvalue().encode()
    if digest is not None:
        digest.update(content)
    out.write(content)
