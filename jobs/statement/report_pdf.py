"""The organisation's day or month as PDF: figures, charts, what needs a person, trial balance."""

from collections.abc import Sequence
from datetime import date, datetime

from jobs.statement.canvas import Align, Canvas, Face, Metadata
from jobs.statement.charts import Frame, bar_list, day_bars
from jobs.statement.report_words import TITLES, kind_name, period_of, seal_sentences, title_of
from jobs.statement.sink import Sink
from jobs.statement.style import (
    BAD,
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
from jobs.statement.tables import Column, table
from jobs.statement.words import show_date
from ledger.core.money import grouped_text, kes
from ledger.core.organisation import MailKind, OpenPayment, OrganisationReport
from ledger.core.rules import NAIROBI

_TOP = 74.0
_BARS = 4  # drawn together, so that little of a page stays empty
_DAYS_HEIGHT = 130.0
_TRIAL_COLUMNS = (
    Column("Account", 0.26),
    Column("Name", 0.38),
    Column("Debit", 0.18, Align.RIGHT),
    Column("Credit", 0.18, Align.RIGHT),
)
_PAYMENT_COLUMNS = (
    Column("Payment", 0.11),
    Column("Kind", 0.13),
    Column("State", 0.13),
    Column("Since", 0.17),
    Column("Number", 0.14),
    Column("Amount", 0.14, Align.RIGHT),
    Column("Why", 0.18),
)


def render_report(report: OrganisationReport, made_at: datetime, out: Sink) -> None:
    """Write the report as PDF/A-2u."""
    # Drawn once to count its pages, which each page says, and once to be written.
    counted = _ReportPages(report, made_at, pages=0)
    try:
        counted.draw()
    finally:
        counted.canvas.close()
    pages = _ReportPages(report, made_at, pages=counted.canvas.page)
    try:
        pages.draw()
        pages.canvas.write(out)
    finally:
        pages.canvas.close()


class _ReportPages:
    """Draws one report; an instance is used once."""

    def __init__(self, report: OrganisationReport, made_at: datetime, *, pages: int) -> None:
        self._report = report
        self._pages = pages
        self._made = made_at.astimezone(NAIROBI)
        self.canvas = Canvas(
            Metadata(
                title=f"Cycle {title_of(report)}",
                subject="Cycle organisation report",
                author="Cycle",
                keywords="cycle-report",
                language="en",
                created_at=made_at,
            )
        )
        self._y = 0.0

    def draw(self) -> None:
        self._first_page()
        self._volumes()
        self._attention()
        self._trial_balance()

    def _first_page(self) -> None:
        self._start_page()
        canvas = self.canvas
        canvas.box(0, 0, RIGHT + MARGIN, 74, BRAND)
        brand_mark(canvas, MARGIN, 48, 26, dark=True)
        canvas.text(RIGHT, 39, TITLES[self._report.kind], 16, WHITE, Face.BOLD, Align.RIGHT)
        canvas.text(RIGHT, 56, period_of(self._report), 9.5, BRAND_MIST, align=Align.RIGHT)
        report = self._report
        self._tiles(
            92,
            (
                ("M-Pesa float (books)", kes(report.balance_of("CASH"))),
                ("Held for customers", kes(report.balance_of("WALLETS"))),
                ("On hold", kes(report.balance_of("PENDING_WITHDRAWALS"))),
                ("Suspense", kes(report.balance_of("SUSPENSE"))),
            ),
        )
        self._tiles(
            148,
            (
                ("Customers", f"{report.customers:,}"),
                ("New customers", f"{report.new_customers:,}"),
                ("Customers who moved money", f"{report.active_customers:,}"),
                ("Transactions", f"{sum(v.how_many for v in report.volumes):,}"),
            ),
        )
        self._verdict(208)
        self._y = 246.0

    def _tiles(self, y: float, tiles: Sequence[tuple[str, str]]) -> None:
        canvas = self.canvas
        width = (BODY_WIDTH - 8 * (len(tiles) - 1)) / len(tiles)
        for number, (label, value) in enumerate(tiles):
            x = MARGIN + (width + 8) * number
            canvas.box(x, y, width, 46, PAPER)
            text, size = canvas.fit(value, width - 18, 12.5, Face.BOLD)
            canvas.text(x + 9, y + 16, label, 7.5, MUTED)
            canvas.text(x + 9, y + 34, text, size, INK, Face.BOLD)

    def _verdict(self, y: float) -> None:
        findings = self._report.findings
        colour = BAD if findings else GOOD
        told = (
            f"Verification found {len(findings)} wrong: {findings[0]}"
            if findings
            else "Verified: all sums, balances and the audit chain of the ledger are right."
        )
        self.canvas.box(MARGIN, y, BODY_WIDTH, 24, PAPER)
        self.canvas.box(MARGIN, y, 4, 24, colour)
        text, size = self.canvas.fit(told, BODY_WIDTH - 24, 9, Face.BOLD)
        self.canvas.text(MARGIN + 14, y + 15.5, text, size, colour, Face.BOLD)

    # Sections ---------------------------------------------------------------------------------

    def _volumes(self) -> None:
        report = self._report
        self._heading("Volumes by kind")
        if not report.volumes:
            self._sentence("No money moved.")
        self._bars(
            [
                (kind_name(v.name), v.amount, f"{kes(v.amount)}  ·  {v.how_many:,}")
                for v in report.volumes
            ]
        )
        if report.kind is MailKind.MONTH and report.days:
            self._heading("Volumes by day")
            self._room(_DAYS_HEIGHT)
            days = [(date.fromisoformat(v.name), v.amount) for v in report.days]
            frame = Frame(MARGIN, self._y, BODY_WIDTH, _DAYS_HEIGHT)
            day_bars(self.canvas, frame, "KES", days)
            self._y += _DAYS_HEIGHT
        if report.failed:
            self._heading("Failed and expired payments")
            self._bars(
                [
                    (kind_name(v.name), v.how_many, f"{v.how_many:,}  ·  {kes(v.amount)}")
                    for v in report.failed
                ]
            )

    def _bars(self, rows: Sequence[tuple[str, int, str]]) -> None:
        for start in range(0, len(rows), _BARS):
            part = rows[start : start + _BARS]
            height = 17.0 * len(part)
            self._room(height)
            bar_list(self.canvas, Frame(MARGIN, self._y, BODY_WIDTH, height), part)
            self._y += height

    def _attention(self) -> None:
        report = self._report
        self._heading("For a person")
        if not report.needs_attention and not report.undelivered and not report.earlier_mails:
            self._sentence("Nothing: no payment waits, nothing is in suspense, messages arrived.")
        self._payments("Payments without a verdict", report.pending, report.pending_count)
        self._payments("Money in suspense", report.suspense, report.suspense_count)
        if report.undelivered:
            self._sub_heading("Receipts and messages not delivered")
            columns = (
                Column("Message", 0.5),
                Column("By", 0.15),
                Column("State", 0.2),
                Column("Messages", 0.15, Align.RIGHT),
            )
            rows = [
                (kind_name(u.template), u.channel, u.state, f"{u.how_many:,}")
                for u in report.undelivered
            ]
            self._table(columns, rows)
        for mail in report.earlier_mails:
            told = (
                f"The {mail.kind}'s mail of {show_date(mail.first_day, 'en')} may not have arrived"
            )
            self._sentence(f"{told} ({mail.reason or mail.state}).")
        for finding in report.findings:
            self._sentence(f"Verification: {finding}")
        self._sub_heading("Audit trail")
        for sentence in seal_sentences(report):
            self._sentence(sentence)
        if report.reconciliation:
            self._sub_heading("Reconciliation")
            for run in report.reconciliation:
                self._sentence(run)

    def _payments(self, title: str, payments: Sequence[OpenPayment], count: int) -> None:
        if not payments:
            return
        more = f", the oldest {len(payments)} of {count:,}" if count > len(payments) else ""
        self._sub_heading(f"{title}{more}")
        rows = [
            (
                str(p.id),
                kind_name(p.kind),
                kind_name(p.state),
                f"{show_date(p.at, 'en')} {p.at:%H:%M}",
                p.msisdn,
                grouped_text(p.amount),
                p.reason,
            )
            for p in payments
        ]
        self._table(_PAYMENT_COLUMNS, rows)

    def _trial_balance(self) -> None:
        balance = self._report.trial_balance
        self._room(60 + 15 * (len(balance.rows) + 2))
        self._heading(f"Trial balance at the end of {show_date(balance.last_day, 'en')}")
        rows = [
            (row.code, row.name, _figure(row.debit), _figure(row.credit)) for row in balance.rows
        ]
        rows.append(("Total", "", grouped_text(balance.debits), grouped_text(balance.credits)))
        self._y = table(self.canvas, self._y, _TRIAL_COLUMNS, rows, self._next_page, total=True)

    # Layout -----------------------------------------------------------------------------------

    def _start_page(self) -> None:
        self.canvas.start_page()
        made = f"Cycle, made {show_date(self._made, 'en')} {self._made:%H:%M}"
        footer(
            self.canvas,
            f"{made}. For the people who run Cycle.",
            f"Page {self.canvas.page} of {self._pages}",
        )

    def _next_page(self) -> float:
        self._start_page()
        brand_mark(self.canvas, MARGIN, 48, 15)
        title = title_of(self._report)
        self.canvas.text(RIGHT, 45, title, 9, INK, Face.BOLD, Align.RIGHT)
        self.canvas.line([(MARGIN, 60), (RIGHT, 60)], RULE)
        return _TOP

    def _room(self, height: float) -> None:
        if self._y + height > BODY_BOTTOM:
            self._y = self._next_page()

    def _heading(self, text: str) -> None:
        self._room(60)
        self._y += 20
        self.canvas.text(MARGIN, self._y, text, 11, BRAND, Face.BOLD)
        self._y += 8

    def _sub_heading(self, text: str) -> None:
        self._room(50)
        self._y += 14
        self.canvas.text(MARGIN, self._y, text, 8.5, INK, Face.BOLD)
        self._y += 6

    def _sentence(self, text: str) -> None:
        self._room(16)
        self._y += 12
        shown, size = self.canvas.fit(text, BODY_WIDTH, 8.5, least=6.5)
        self.canvas.text(MARGIN, self._y, shown, size, INK)
        self._y += 3

    def _table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        self._y = table(self.canvas, self._y, columns, rows, self._next_page) + 4


def _figure(cents: int) -> str:
    return grouped_text(cents) if cents else ""
