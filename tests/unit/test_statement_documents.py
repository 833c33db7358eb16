"""Statements as PDF and CSV: what a reader, a spreadsheet and a checker find in them."""
# ruff: noqa: DTZ001 - a line carries Nairobi's wall clock without a zone

import csv
import io
import re
import shutil
import subprocess
import tempfile
import tracemalloc
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.statement.charts import buckets, scale, short_amount
from jobs.statement.csv_file import STATEMENT_COLUMNS, neutral, render_csv
from jobs.statement.pdf import page_count, render_pdf
from jobs.statement.words import WORDS, known_kinds
from ledger.core.chart import Kind
from ledger.core.statements import (
    CopiedStatement,
    Hold,
    Line,
    Period,
    Statement,
    StatementMismatchError,
)
from tests.builders_statement import (
    FIRST_DAY,
    LAST_DAY,
    copied_of,
    issue_of,
    random_lines,
    statement_of,
)

PERIOD = Period(FIRST_DAY, LAST_DAY)
OPENING = 12_345_67
needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs poppler-utils")
needs_qpdf = pytest.mark.skipif(shutil.which("qpdf") is None, reason="needs qpdf")


def pdf_of(statement: Statement) -> bytes:
    out = io.BytesIO()
    render_pdf(statement, issue_of(), out)
    return out.getvalue()


def pages_of(pdf: bytes) -> list[str]:
    found = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True
    )
    return found.stdout.decode().split("\f")[:-1]


def some_lines(count: int) -> list[Line]:
    return list(random_lines(count, OPENING, PERIOD))


@needs_poppler
@pytest.mark.parametrize("language", ["en", "sw"])
@pytest.mark.parametrize("count", [0, 1, 16, 17, 18, 19, 40, 120, 400])
def test_every_page_has_its_furniture_and_none_is_blank(count: int, language: str) -> None:
    words = WORDS[language]
    pages = pages_of(pdf_of(statement_of(some_lines(count), language=language)))
    assert len(pages) == page_count(count)
    shown = 0
    for number, text in enumerate(pages, start=1):
        assert words.page.format(page=number, pages=len(pages)) in text
        assert "Cycle" in text
        rows = len(re.findall(r"^ *\d+ \w{3} 2026 +[2-9A-HJKMNP-Z]{10} ", text, re.MULTILINE))
        shown += rows
        if rows:
            assert words.details in text
            assert words.balance in text
    assert shown == count
    assert words.end in pages[-1]


@needs_poppler
def test_text_of_the_file_adds_up_to_the_closing_balance() -> None:
    lines = some_lines(120)
    text = "\n".join(pages_of(pdf_of(statement_of(lines))))
    amount = r"(-?[\d,]+\.\d\d)"
    opening = cents(re.search(rf"^ *Opening balance +{amount}$", text, re.MULTILINE))
    closing = re.search(rf"^ *Closing balance +{amount} +{amount} +{amount}$", text, re.MULTILINE)
    assert closing is not None
    balance = opening
    for found in re.finditer(rf"^ *{amount} +{amount}$|  {amount} +{amount}$", text, re.MULTILINE):
        moved, after = (int(re.sub(r"[,.]", "", part)) for part in found.groups() if part)
        if after in (balance + moved, balance - moved):
            balance = after
    assert balance == int(re.sub(r"[,.]", "", closing[3]))
    assert opening - cents(closing) + int(re.sub(r"[,.]", "", closing[2])) == balance


def cents(match: re.Match[str] | None) -> int:
    assert match is not None
    return int(re.sub(r"[,.]", "", match[1]))


@needs_qpdf
@pytest.mark.parametrize("count", [0, 40])
def test_file_is_sound_and_archivable(count: int, tmp_path: Path) -> None:
    pdf = pdf_of(statement_of(some_lines(count)))
    path = tmp_path / "statement.pdf"
    path.write_bytes(pdf)
    checked = subprocess.run(["qpdf", "--check", path], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert b"<pdfaid:part>2</pdfaid:part>" in pdf
    assert b"cycle-statement:7KQ2MRX9TB" in pdf
    assert b"/FontFile2" in pdf


def test_memory_does_not_grow_with_pages() -> None:
    pdf_of(statement_of(some_lines(1)))

    def peak_of(count: int) -> int:
        statement = statement_of(some_lines(count))
        with tempfile.TemporaryFile() as out:
            tracemalloc.start()
            render_pdf(statement, issue_of(), out)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert out.tell() > count * 100
        return peak

    # Twice, as what other threads of this process take meanwhile counts too.
    large = min(peak_of(6_000), peak_of(6_000))
    assert large - peak_of(2_000) < 250_000, "the file grows by half a million bytes"


@needs_poppler
def test_last_minute_of_the_last_day_is_in() -> None:
    late = Line(
        datetime(2026, 10, 31, 23, 59), "ABCDEFGHJK", "deposit", 500, 0, OPENING + 500, 0,
        "M-Pesa", "", "TKN1234567", None,
    )  # fmt: skip
    (page,) = pages_of(pdf_of(statement_of([late])))
    assert re.search(r"31 Oct 2026 +ABCDEFGHJK", page)
    assert "23:59:00" in page


@needs_poppler
def test_long_names_letters_without_a_glyph_and_large_sums_survive() -> None:
    line = Line(
        datetime(2026, 10, 3, 8, 0), "ABCDEFGHJK", "transfer", 10**14, 0, OPENING + 10**14, 0,
        "\u0645\U0001f600e\u0301" + "W" * 90, "0712***678", None, "a\nb\t(c)\\",
    )  # fmt: skip
    (page,) = pages_of(pdf_of(statement_of([line], name="Nyambura " * 12)))
    assert "1,000,000,000,000.00" in page
    assert "??é" in page
    assert "a b (c)\\" in page


@needs_poppler
def test_holds_stand_apart_from_the_closing_balance() -> None:
    hold = Hold(datetime(2026, 10, 31, 22, 1), "HJKMNPQRST", 1_500_00)
    (page,) = pages_of(pdf_of(statement_of([], holds=(hold,))))
    assert re.search(r"On hold at the end of the period +KES 1,500.00", page)
    assert "HJKMNPQRST" in page


def test_nothing_is_written_when_a_line_breaks_the_running_balance() -> None:
    lines = some_lines(5)
    lines[2] = lines[2]._replace(balance=lines[2].balance + 1)
    out = io.BytesIO()
    with pytest.raises(StatementMismatchError, match=lines[2].receipt):
        render_pdf(statement_of(lines), issue_of(), out)
    assert out.getvalue() == b""


@pytest.mark.parametrize("change", ["missing", "extra"])
def test_a_line_too_few_or_too_many_is_found(change: str) -> None:
    lines = some_lines(5)
    summary = statement_of(lines).summary
    given_lines = lines[:-1] if change == "missing" else [*lines, lines[-1]._replace(money_in=0)]
    with pytest.raises(StatementMismatchError):
        list(Statement(summary, iter(given_lines)).checked_lines())


def csv_of(lines: list[Line], *, running: bool = True) -> list[dict[str, str]]:
    out = io.BytesIO()
    render_csv(copied_of(lines, running=running), out)
    assert out.getvalue().count(b"\r\n") >= len(lines) + 1
    reader = csv.DictReader(io.StringIO(out.getvalue().decode(), newline=""), strict=True)
    rows = list(reader)
    assert reader.fieldnames == list(STATEMENT_COLUMNS)
    return rows


@pytest.mark.parametrize("change", ["missing", "extra", "wrong"])
def test_csv_that_does_not_continue_its_balance_is_no_file(change: str) -> None:
    lines = some_lines(5)
    if change == "wrong":
        lines[2] = lines[2]._replace(balance=lines[2].balance + 1)
    copied = copied_of(lines)
    rows = list(copied.rows)
    given_rows = {"missing": rows[:-1], "extra": [*rows, rows[-1]], "wrong": rows}[change]
    with pytest.raises(StatementMismatchError):
        render_csv(CopiedStatement(copied.summary, given_rows), io.BytesIO())


def test_csv_of_an_account_without_running_balances_gets_them() -> None:
    lines = some_lines(20)
    assert csv_of(lines, running=False) == csv_of(lines)


def test_csv_amounts_have_two_decimals_and_one_sign() -> None:
    rows = csv_of(some_lines(120))
    balance = OPENING
    for row in rows:
        amounts = [row[name] for name in ("money_in", "money_out", "fee", "balance")]
        assert all(re.fullmatch(r"\d+\.\d\d", amount) for amount in amounts)
        into, out, _, after = (int(amount.replace(".", "")) for amount in amounts)
        balance += into - out
        assert balance == after
        assert PERIOD.first_day <= date.fromisoformat(row["date"]) <= PERIOD.last_day
        assert re.fullmatch(r"\d\d:\d\d:\d\d", row["time"])


@given(note=st.text(max_size=40), name=st.text(min_size=1, max_size=40))
@settings(max_examples=200, deadline=None)
def test_no_text_cell_can_run_and_every_row_stays_one_row(note: str, name: str) -> None:
    line = some_lines(1)[0]._replace(kind="transfer", name=name, note=note)
    (row,) = csv_of([line])
    for column in ("description", "counterparty", "note"):
        assert not row[column].lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert row["note"].removeprefix("'") == note.removeprefix("'")


@pytest.mark.skipif(shutil.which("soffice") is None, reason="needs libreoffice-calc")
@pytest.mark.timeout(180)
def test_libreoffice_reads_dates_sums_and_text_and_runs_nothing(tmp_path: Path) -> None:
    lines = some_lines(30)
    notes = ["=1+1", '+SUM(A1), "x"', "@A1", "-2\n=3", "Kodi ya Oktoba, =nusu"]
    for number, note in enumerate(notes):
        lines[number] = lines[number]._replace(note=note)
    with (tmp_path / "statement.csv").open("wb") as out:
        render_csv(copied_of(lines), out)
    # UTF-8, commas, quotes; numbers and ISO dates recognised as in the import window.
    reading = "--infilter=CSV:44,34,76,1,,1033,false,true"
    command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless"]
    command += [reading, "--convert-to", "fods", "--outdir", str(tmp_path)]
    command.append(str(tmp_path / "statement.csv"))
    subprocess.run(command, check=True, capture_output=True, timeout=150)
    sheet = ElementTree.parse(tmp_path / "statement.fods")
    office, table = (
        f"{{urn:oasis:names:tc:opendocument:xmlns:{name}:1.0}}" for name in ("office", "table")
    )
    assert not [c for c in sheet.iter(f"{table}table-cell") if f"{table}formula" in c.attrib]
    repeated = f"{table}number-columns-repeated"
    rows = [
        [
            cell
            for cell in row.iter(f"{table}table-cell")
            for _ in range(int(cell.get(repeated, "1")))
        ][: len(STATEMENT_COLUMNS)]
        for row in sheet.iter(f"{table}table-row")
    ][: len(lines) + 1]
    for cells, line in zip(rows[1:], lines, strict=True):
        assert cells[0].get(f"{office}date-value") == str(line.at.date())
        amounts = [round(float(cell.get(f"{office}value", "nan")) * 100) for cell in cells[-4:]]
        assert amounts == [line.money_in, line.money_out, max(line.fee, 0), line.balance]
    shown = ["".join(cell.itertext()).strip() for cells in rows for cell in cells]
    assert {"'=1+1", "'@A1", "Kodi ya Oktoba, =nusu"} <= set(shown)
    assert any("Zoë" in text for text in shown)


@pytest.mark.parametrize(
    "text", ['=HYPERLINK("x")', "+1", "-1", "@SUM(1)", "\t=1", " =1", "\uff1d1", "\n=1"]
)
def test_formulas_are_neutralised(text: str) -> None:
    assert neutral(text) == "'" + text


def test_every_kind_has_words_in_both_languages() -> None:
    for language in ("en", "sw"):
        missing = {str(kind) for kind in Kind} - known_kinds(language)
        assert not missing, f"jobs/statement/words.py lacks {missing} in {language}"


@given(
    low=st.integers(-(10**14), 0), spread=st.integers(0, 10**14), steps=st.sampled_from([3, 4, 5])
)
@settings(max_examples=300, deadline=None)
def test_axes_cover_their_values_with_few_steps(low: int, spread: int, steps: int) -> None:
    ticks = scale(low, low + spread, steps)
    assert ticks[0] <= low
    assert ticks[-1] >= low + spread
    assert 2 <= len(ticks) <= steps + 3
    assert all(isinstance(tick, int) for tick in ticks)
    assert len({after - before for before, after in pairwise(ticks)}) == 1


@pytest.mark.parametrize(
    ("cents_shown", "text"),
    [
        (0, "0"),
        (25, "0.25"),
        (750_00, "750"),
        (2_500_00, "2.5K"),
        (-1_250_00, "-1.25K"),
        (10**9, "10M"),
        (10**15, "10T"),
    ],
)
def test_axis_labels_are_short(cents_shown: int, text: str) -> None:
    assert short_amount(cents_shown) == text


def test_bars_cover_the_period_and_sum_to_the_summary() -> None:
    period = Period(date(2025, 11, 3), date(2026, 10, 31))
    lines = list(random_lines(300, OPENING, period))
    summary = statement_of(lines, period=period).summary
    found = buckets(period, summary.days)
    assert len(found) == 12
    assert sum(bucket.money_in for bucket in found) == summary.money_in
    assert sum(bucket.money_out for bucket in found) == summary.money_out
