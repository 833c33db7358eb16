"""A statement as PDF: one summary page with charts, then entries in a ruled table.

Every row has the same height, so the number of pages is known from the number of rows before
the first is drawn, and rows are drawn as they come from the database.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from jobs.statement.canvas import Align, Canvas, Face, Metadata, Pen, plain
from jobs.statement.charts import Frame, balance_chart, bucket_kind, flow_chart
from jobs.statement.sink import Sink
from jobs.statement.style import (
    BODY_BOTTOM,
    BODY_WIDTH,
    BRAND,
    BRAND_MIST,
    GOOD,
    INK,
    MARGIN,
    MUTED,
    PAPER,
    RIGHT,
    RULE,
    WHITE,
    brand_mark,
    footer,
)
from jobs.statement.words import WORDS, describe, show_count, show_date
from ledger.core.chart import Kind
from ledger.core.money import grouped_text, kes
from ledger.core.msisdn import local_form
from ledger.core.rules import NAIROBI
from ledger.core.statements import Line, Statement, Summary

_ROW = 23.0
_TABLE_HEAD = 19.0
_FIRST_TABLE_TOP = 352.0
_NEXT_TABLE_TOP = 74.0
_END_BLOCK = 64.0
_HOLD_ROW = 13.0
_HOLDS_SHOWN_MAX = 12

_DATE_X = MARGIN + 7
_REFERENCE_X = MARGIN + 66
_DETAILS_X = MARGIN + 131
_OUT_X = RIGHT - 146
_IN_X = RIGHT - 77
_BALANCE_X = RIGHT - 7
_DETAILS_WIDTH = _OUT_X - _DETAILS_X - 62
_AMOUNT_WIDTH = 66.0
_AMOUNT_LENGTH = 13  # 99,999,999.99 fits at full size


@dataclass(frozen=True, slots=True)
class Issue:
    """How one file is identified: its reference, the page that verifies it, when it was made."""

    reference: str
    verify_url: str
    issued_at: datetime


def render_pdf(statement: Statement, issue: Issue, out: Sink) -> bytes:
    """Write a statement as PDF/A-2u and return the SHA-256 of its entries.

    Raises StatementMismatchError before anything is written when the lines don't agree with
    the summary. Memory does not grow with the lines: pages wait on disk.
    """
    pages = _StatementPages(statement, issue)
    try:
        return pages.draw(out)
    finally:
        pages.close()


def page_count(lines: int, holds: int = 0) -> int:
    """Return how many pages a statement has."""
    rows = lines + 2
    room_first = int((BODY_BOTTOM - _FIRST_TABLE_TOP - _TABLE_HEAD) / _ROW)
    room_next = int((BODY_BOTTOM - _NEXT_TABLE_TOP - _TABLE_HEAD) / _ROW)
    pages = 1 if rows <= room_first else 1 - (-(rows - room_first) // room_next)
    top = _FIRST_TABLE_TOP if pages == 1 else _NEXT_TABLE_TOP
    left = rows if pages == 1 else rows - room_first - room_next * (pages - 2)
    used = top + _TABLE_HEAD + left * _ROW
    return pages + (used + _tail_height(holds) > BODY_BOTTOM)


def _tail_height(holds: int) -> float:
    shown = min(holds, _HOLDS_SHOWN_MAX)
    return _END_BLOCK + (36 + shown * _HOLD_ROW if shown else 0)


class _Pens(NamedTuple):
    body: Pen
    small: Pen
    money_in: Pen
    strong: Pen


class _StatementPages:
    """Draws one statement; an instance is used once."""

    def __init__(self, statement: Statement, issue: Issue) -> None:
        self._statement = statement
        self._issue = issue
        self._summary: Summary = statement.summary
        self._language = statement.summary.language
        self._words = WORDS[self._language]
        self._pages = page_count(self._summary.lines, len(self._summary.holds))
        self._holder = plain(self._summary.name)
        period = self._summary.period
        self._period = (
            f"{show_date(period.first_day, self._language)} - "
            f"{show_date(period.last_day, self._language)}"
        )
        self._canvas = Canvas(
            Metadata(
                title=f"{self._words.statement} {self._summary.number} {self._period}",
                subject=f"Cycle statement {issue.reference}",
                author="Cycle",
                keywords=f"cycle-statement:{issue.reference}",
                language=self._language,
                created_at=issue.issued_at,
            )
        )
        self._pens = _Pens(
            body=self._canvas.pen(8.0, INK),
            small=self._canvas.pen(6.5, MUTED),
            money_in=self._canvas.pen(8.0, GOOD),
            strong=self._canvas.pen(8.0, INK, Face.BOLD),
        )
        self._fit = lru_cache(maxsize=2048)(
            lambda text, width, size, least: self._canvas.fit(plain(text), width, size, least=least)
        )
        self._date = lru_cache(maxsize=64)(lambda day: show_date(day, self._language))
        self._digest = hashlib.sha256()
        self._row = 0
        self._y = 0.0

    def close(self) -> None:
        self._canvas.close()

    def draw(self, out: Sink) -> bytes:
        self._first_page()
        self._table_head(_FIRST_TABLE_TOP)
        self._balance_row(self._words.opening, self._summary.opening)
        for line in self._statement.checked_lines():
            self._line_row(line)
        self._balance_row(self._words.closing, self._summary.closing, closing=True)
        self._tail()
        assert self._canvas.page == self._pages
        self._canvas.write(out)
        return self._digest.digest()

    # The first page ---------------------------------------------------------------------------

    def _first_page(self) -> None:
        self._start_page()
        canvas, words = self._canvas, self._words
        canvas.box(0, 0, RIGHT + MARGIN, 74, BRAND)
        brand_mark(canvas, MARGIN, 48, 26, dark=True)
        canvas.text(RIGHT, 39, words.statement, 16, WHITE, Face.BOLD, Align.RIGHT)
        canvas.text(RIGHT, 56, self._period, 9.5, BRAND_MIST, align=Align.RIGHT)
        self._holder_block(100)
        self._summary_box(152)
        half = (BODY_WIDTH - 24) / 2
        balance_chart(canvas, Frame(MARGIN, 224, half, 110), self._summary, words.balance_chart)
        flow_chart(
            canvas,
            Frame(MARGIN + half + 24, 224, half, 110),
            self._summary,
            words.flow_charts[bucket_kind(self._summary.period)],
            words.flow_legend,
        )

    def _holder_block(self, y: float) -> None:
        words, summary = self._words, self._summary
        issued = self._issue.issued_at.astimezone(NAIROBI)
        is_wallet = summary.msisdn is not None
        self._canvas.text(MARGIN, y, words.account_holder, 7, MUTED)
        lines = self._canvas.wrap(self._holder, BODY_WIDTH * 0.42, 13, Face.BOLD)
        if len(lines) > 1:
            lines = self._canvas.wrap(self._holder, BODY_WIDTH * 0.42, 9, Face.BOLD)[:2]
        size, pitch = (13.0, 16.0) if len(lines) == 1 else (9.0, 11.5)
        for number, line in enumerate(lines):
            name, fitting = self._canvas.fit(line, BODY_WIDTH * 0.42, size, Face.BOLD, 7)
            self._canvas.text(MARGIN, y + pitch + number * pitch, name, fitting, INK, Face.BOLD)
        if summary.msisdn is not None:
            below = y + pitch * len(lines) + 13
            self._canvas.text(MARGIN, below, local_form(summary.msisdn), 8.5, MUTED)
        facts = (
            (words.wallet_number if is_wallet else words.account, summary.number),
            (words.reference, self._issue.reference),
            (
                words.issued,
                f"{show_date(issued.date(), self._language)} {issued:%H:%M}",
            ),
        )
        x = MARGIN + BODY_WIDTH * 0.46
        for label, value in facts:
            self._canvas.text(x, y, label, 7, MUTED)
            text, size = self._canvas.fit(value, 90, 9, Face.BOLD)
            self._canvas.text(x, y + 14, text, size, INK, Face.BOLD)
            x += BODY_WIDTH * 0.18

    def _summary_box(self, y: float) -> None:
        words, summary, canvas = self._words, self._summary, self._canvas
        tile = BODY_WIDTH / 4
        canvas.box(MARGIN, y, tile * 3, 54, PAPER)
        canvas.box(MARGIN + tile * 3, y, tile, 54, BRAND)
        ins = sum(1 for day in summary.days if day.money_in)
        fees = f"{words.fees} {kes(summary.fees)}" if summary.fees else ""
        tiles = (
            (
                words.opening,
                summary.opening,
                show_date(summary.period.first_day, self._language),
                INK,
            ),
            (words.money_in, summary.money_in, "", GOOD if ins else INK),
            (words.money_out, summary.money_out, fees, INK),
            (words.closing, summary.closing, show_count(summary.lines, words), WHITE),
        )
        for number, (label, cents, note, colour) in enumerate(tiles):
            x = MARGIN + tile * number + 11
            quiet = BRAND_MIST if colour is WHITE else MUTED
            amount, size = canvas.fit(kes(cents), tile - 18, 12.5, Face.BOLD)
            canvas.text(x, y + 15, label, 7.5, quiet)
            canvas.text(x, y + 32, amount, size, colour, Face.BOLD)
            if note:
                text, size = canvas.fit(note, tile - 18, 7)
                canvas.text(x, y + 45, text, size, quiet)
            if 0 < number < 3:
                canvas.line([(x - 11, y + 9), (x - 11, y + 45)], RULE)

    # The table --------------------------------------------------------------------------------

    def _start_page(self) -> None:
        self._canvas.start_page()
        issue = self._issue
        footer(
            self._canvas,
            f"{self._words.reference} {issue.reference}   ·   "
            + self._words.verify.format(url=issue.verify_url),
            self._words.page.format(page=self._canvas.page, pages=self._pages),
        )

    def _next_page(self) -> None:
        self._start_page()
        canvas = self._canvas
        brand_mark(canvas, MARGIN, 48, 15)
        name, size = canvas.fit(self._holder, BODY_WIDTH * 0.5, 9, Face.BOLD)
        canvas.text(RIGHT, 41, name, size, INK, Face.BOLD, Align.RIGHT)
        facts = f"{self._summary.number}   ·   {self._period}"
        canvas.text(RIGHT, 53, facts, 7.5, MUTED, align=Align.RIGHT)

    def _table_head(self, y: float) -> None:
        words, canvas = self._words, self._canvas
        canvas.box(MARGIN, y, BODY_WIDTH, _TABLE_HEAD, BRAND)
        baseline = y + 12.5
        for x, label, align in (
            (_DATE_X, words.date, Align.LEFT),
            (_REFERENCE_X, words.reference, Align.LEFT),
            (_DETAILS_X, words.details, Align.LEFT),
            (_OUT_X, words.money_out, Align.RIGHT),
            (_IN_X, words.money_in, Align.RIGHT),
            (_BALANCE_X, words.balance, Align.RIGHT),
        ):
            text, size = canvas.fit(label, _AMOUNT_WIDTH, 7.5, Face.BOLD)
            canvas.text(x, baseline, text, size, WHITE, Face.BOLD, align)
        self._y = y + _TABLE_HEAD
        self._row = 0

    def _next_row(self) -> float:
        """Make room for one row, draw its ground and return its top."""
        if self._y + _ROW > BODY_BOTTOM:
            self._next_page()
            self._table_head(_NEXT_TABLE_TOP)
        y = self._y
        if self._row % 2:
            self._canvas.box(MARGIN, y, BODY_WIDTH, _ROW, PAPER)
        self._row += 1
        self._y = y + _ROW
        return y

    def _balance_row(self, label: str, cents: int, *, closing: bool = False) -> None:
        y = self._next_row() + 14.5
        self._canvas.text(_DATE_X, y, label, 8, INK, Face.BOLD)
        if closing:
            self._amount(_OUT_X, y, self._summary.money_out, self._pens.strong)
            self._amount(_IN_X, y, self._summary.money_in, self._pens.strong)
            top = y - 14.5
            self._canvas.line([(MARGIN, top), (RIGHT, top)], BRAND, 0.8)
        elif not self._summary.lines:
            self._canvas.text(_DETAILS_X, y, self._words.nothing, 8, MUTED)
        self._amount(_BALANCE_X, y, cents, self._pens.strong)

    def _line_row(self, line: Line) -> None:
        y = self._next_row()
        pens = self._pens
        moment = line.at.isoformat()
        pens.small.left(_DATE_X, y + 18.5, moment[11:19])
        if line.mpesa_receipt:
            pens.small.left(_REFERENCE_X, y + 18.5, line.mpesa_receipt[:14])
        more = self._second_line(line)
        if more:
            pens.small.left(_DETAILS_X, y + 18.5, self._fit(more, _DETAILS_WIDTH, 6.5, 6.5)[0])
        pens.body.left(_DATE_X, y + 10, self._date(line.at.date()))
        pens.body.left(_REFERENCE_X, y + 10, line.receipt)
        what = describe(line, self._language)
        what, size = self._fit(what, _DETAILS_WIDTH, 8.0, 6.5)
        pen = pens.body if size == 8.0 else self._canvas.pen(size, INK)
        pen.left(_DETAILS_X, y + 10, what)
        if line.money_out:
            self._amount(_OUT_X, y + 14, line.money_out, pens.body)
        self._amount(_BALANCE_X, y + 14, line.balance, pens.body)
        if line.money_in:
            self._amount(_IN_X, y + 14, line.money_in, pens.money_in)
        self._digest.update(fingerprint_of(line, moment))

    def _second_line(self, line: Line) -> str:
        parts = []
        if line.name not in (None, "M-Pesa") and line.kind != Kind.TRANSFER:
            parts.append(line.name)
        if line.number:
            parts.append(line.number)
        if line.fee > 0:
            parts.append(self._words.fee.format(amount=grouped_text(line.fee)))
        elif line.fee < 0:
            parts.append(self._words.fee_returned.format(amount=grouped_text(-line.fee)))
        if line.note:
            parts.append(line.note)
        return "  ·  ".join(parts)

    def _amount(self, x: float, y: float, cents: int, pen: Pen) -> None:
        text = grouped_text(cents)
        if len(text) > _AMOUNT_LENGTH:
            text, size = self._canvas.fit(text, _AMOUNT_WIDTH, pen.size, least=4.5)
            self._canvas.text(x, y, text, size, INK, align=Align.RIGHT)
        else:
            pen.right(x, y, text)

    # The end ----------------------------------------------------------------------------------

    def _tail(self) -> None:
        if self._y + _tail_height(len(self._summary.holds)) > BODY_BOTTOM:
            self._next_page()
            self._y = _NEXT_TABLE_TOP
        canvas, words = self._canvas, self._words
        canvas.line([(MARGIN, self._y), (RIGHT, self._y)], RULE)
        if self._summary.holds:
            self._holds()
        y = self._y + 20
        canvas.text(MARGIN, y, words.end, 8, INK, Face.BOLD)
        fingerprint = show_fingerprint(self._digest.digest())
        canvas.text(RIGHT, y, fingerprint, 8, INK, Face.BOLD, Align.RIGHT)
        x = RIGHT - canvas.width(fingerprint, 8, Face.BOLD) - 8
        canvas.text(x, y, words.fingerprint, 7.5, MUTED, align=Align.RIGHT)
        text = words.how_to_verify.format(url=self._issue.verify_url)
        text, size = canvas.fit(text, BODY_WIDTH, 7.5)
        canvas.text(MARGIN, y + 14, text, size, MUTED)

    def _holds(self) -> None:
        canvas, words, holds = self._canvas, self._words, self._summary.holds
        y = self._y + 18
        canvas.text(MARGIN, y, words.on_hold, 8, INK, Face.BOLD)
        canvas.text(RIGHT - 7, y, kes(self._summary.held), 8, INK, Face.BOLD, Align.RIGHT)
        text, size = canvas.fit(words.on_hold_why, BODY_WIDTH, 7)
        canvas.text(MARGIN, y + 11, text, size, MUTED)
        y += 12
        for hold in holds[:_HOLDS_SHOWN_MAX]:
            y += _HOLD_ROW
            when = f"{show_date(hold.at, self._language)} {hold.at:%H:%M}"
            canvas.text(_DATE_X, y, when, 7.5, INK)
            canvas.text(_DETAILS_X, y, hold.receipt, 7.5, INK)
            canvas.text(RIGHT - 7, y, grouped_text(hold.amount), 7.5, INK, align=Align.RIGHT)
        self._y = y + 6


def fingerprint_of(line: Line, moment: str) -> bytes:
    """Return what one line adds to the fingerprint of the entries; ``moment`` is its ISO time."""
    return f"{line.receipt} {moment} {line.money_in} {line.money_out} {line.balance}\n".encode()


def show_fingerprint(digest: bytes) -> str:
    """Show the first 64 bits of a digest in groups that people can compare."""
    text = digest[:8].hex().upper()
    return " ".join(text[at : at + 4] for at in range(0, 16, 4))
