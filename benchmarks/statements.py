"""How fast statements are drawn, and in how much memory.

PDF: our renderer, with its summary page and charts, against the bare table of the same rows
drawn with reportlab, and with npm's pdfkit where node and npm are there. Each run is a process
of its own that reads the same file of rows and writes a file; runs of one size take turns.
Rows a second and ratios are of the drawing, fonts' loading included: a worker imports once.
CSV: from PostgreSQL to bytes, against COPY TO of the same query.
Prints seconds, and ratios to the baselines of the same run.
"""

import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import psycopg  # noqa: E402 - the checkout's root comes first

from jobs.statement.csv_file import render_csv  # noqa: E402
from jobs.statement.words import describe, phrases, show_date  # noqa: E402
from ledger.core.context import Context  # noqa: E402
from ledger.core.money import grouped_text  # noqa: E402
from ledger.core.statements import CopiedStatement, Period  # noqa: E402
from ledger.db import statements as sql  # noqa: E402
from ledger.db.engine import Database  # noqa: E402
from ledger.queries.statements import wallet_copy  # noqa: E402
from tests.builders_statement import random_lines  # noqa: E402
from tests.servers import ServerRun  # noqa: E402

SIZES = (100, 10_000, 100_000)
ROUNDS = {100: 5, 10_000: 3, 100_000: 1}
PERIOD = Period(date(2025, 11, 1), date(2026, 10, 31))
OPENING = 12_345_67
BASELINES = Path(__file__).resolve().parent / "statements_baselines"
FONTS = ROOT / "jobs" / "statement" / "fonts"
OURS, REPORTLAB, PDFKIT = "ours", "reportlab", "pdfkit"


def write_rows(folder: Path, count: int) -> Path:
    """Write lines for us, shown texts for the baselines, and the day sums; return the stem."""
    stem = folder / f"rows{count}"
    days: dict[str, list[int]] = {}
    closing = OPENING
    with (
        stem.with_suffix(".lines").open("w") as lines,
        stem.with_suffix(".shown").open("w") as shown,
    ):
        for line in random_lines(count, OPENING, PERIOD):
            lines.write(json.dumps([line.at.isoformat(), *line[1:]]) + "\n")
            more = "  ·  ".join(part for part in (line.number, line.note) if part)
            figures = [grouped_text(c) if c else "" for c in line[3:6]]
            texts = [show_date(line.at, "en"), line.at.isoformat()[11:19], line.receipt]
            what = describe(line, "en")[:34]
            shown.write(json.dumps([*texts, what, more, figures[1], figures[0], figures[2]]) + "\n")
            found = days.setdefault(line.at.date().isoformat(), [0, 0, 0, 0])
            for position, cents in enumerate((line.money_in, line.money_out, line.fee, 1)):
                found[position] += cents
            closing = line.balance
    stem.with_suffix(".days").write_text(json.dumps([closing, days]))
    return stem


def pdfkit_folder(folder: Path) -> Path | None:
    """Install pdfkit in a folder that goes away again; None without node and npm."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return None
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "pdfkit"]
    (folder / "package.json").write_text("{}")
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return folder if done.returncode == 0 else None


def run(tool: str, stem: Path, folder: Path, kit: Path | None) -> tuple[float, float, float]:
    """Return seconds without and with imports, and peak bytes, of one process that draws."""
    out = folder / f"{tool}.pdf"
    shown = str(stem.with_suffix(".shown"))
    if tool == OURS:
        command = [sys.executable, str(BASELINES / "with_cycle.py"), str(stem), str(out)]
    elif tool == REPORTLAB:
        command = [sys.executable, str(BASELINES / "with_reportlab.py"), shown, str(out)]
    else:
        command = ["node", str(BASELINES / "with_pdfkit.mjs"), str(FONTS), shown, str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=kit)
    drawing, whole, peak = json.loads(done.stdout)
    return float(drawing), float(whole), float(peak)


def compare_pdf(folder: Path) -> None:
    """Print seconds, rows a second, memory and ratios for each size."""
    kit_folder = folder / "node"
    kit_folder.mkdir()
    kit = pdfkit_folder(kit_folder)
    tools = [OURS, REPORTLAB, *([PDFKIT] if kit else [])]
    if kit is None:
        print("pdfkit: left out, node or npm is missing or could not install it")
    print(
        f"{'rows':>8} {'tool':<10} {'drawing':>8} {'+imports':>8} {'rows/s':>9}"
        f" {'peak MiB':>9} {'ours / it':>10}"
    )
    for size in SIZES:
        stem = write_rows(folder, size)
        best = {tool: (float("inf"),) * 3 for tool in tools}
        for _ in range(ROUNDS[size]):
            for tool in tools:
                best[tool] = min(best[tool], run(tool, stem, folder, kit))
        for tool, (seconds, whole, peak) in best.items():
            ratio = best[OURS][0] / seconds
            rate = size / seconds
            shown = f"{size:>8} {tool:<10} {seconds:>8.3f} {whole:>8.3f} {rate:>9.0f}"
            print(f"{shown} {peak / 2**20:>9.0f} {ratio:>10.2f}")


def compare_first_page(folder: Path) -> None:
    """Print what 100 rows cost, interpreter and all, against importing fpdf2 and no more."""
    stem = write_rows(folder, 100)
    ours = [sys.executable, str(BASELINES / "with_cycle.py"), str(stem), str(folder / "f.pdf")]
    bare = [sys.executable, "-c", "import fpdf"]
    best = [float("inf"), float("inf")]
    for _ in range(5):
        for position, command in enumerate((ours, bare)):
            began = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True)
            best[position] = min(best[position], time.perf_counter() - began)
    print(f"100 rows / importing fpdf2 alone: {best[0] / best[1]:.2f}")


class _Counting(io.RawIOBase):
    def __init__(self) -> None:
        self.bytes = 0

    def write(self, content: object) -> int:
        assert isinstance(content, bytes)
        self.bytes += len(content)
        return len(content)


COPY = f"COPY ({sql._LINES}) TO STDOUT (FORMAT csv)"
TRANSACTIONS = """
    INSERT INTO transactions (kind, source, reference, receipt, request_digest, actor, channel,
        details)
    SELECT 'deposit', 'bench', n::text, translate(lpad(n::text, 10, 'Z'), '01', 'AB'), '',
        'system:bench', 'system',
        '{"mpesa_receipt": "TKN1234567", "from": {"name": "Jane Wanjiku", "msisdn": "0712***678"}}'
    FROM generate_series(1, %(count)s) AS n
"""
POSTINGS = """
    INSERT INTO postings (account_id, posted_at, transaction_id, amount, direction, balance_after,
        account_version)
    SELECT side.account_id, %(at)s::timestamptz + n * interval '1 ms', t.id, 100, side.direction,
        CASE side.direction WHEN 'C' THEN n * 100 END, CASE side.direction WHEN 'C' THEN n END
    FROM transactions AS t CROSS JOIN LATERAL (SELECT t.reference::bigint AS n) AS numbered
        CROSS JOIN (VALUES (1, 'D'), (%(account)s, 'C')) AS side (account_id, direction)
    WHERE t.source = 'bench'
"""


def compare_csv(count: int = 100_000) -> None:
    """Print our CSV against COPY TO of the same rows on the same server."""
    servers = ServerRun()
    started = servers.start()
    url = started.clone()
    database = Database(url, pin_pepper="benchmark" * 4)
    database.open()
    try:
        with psycopg.connect(url) as connection:
            connection.execute("SELECT set_config('cycle.actor', 'system:bench', false)")
            row = connection.execute(
                "INSERT INTO users (msisdn, msisdn_hash, first_name, last_name, language,"
                " pin_hash, consent_version, consent_channel) VALUES ('+254712345678', 'x', 'Jane',"
                " 'W', 'en', 'x', '1', 'ussd') RETURNING id"
            ).fetchone()
            assert row is not None
            opened = connection.execute(
                "SELECT public.open_wallet(%s, 'W712345678', 'Jane W')", (row[0],)
            ).fetchone()
            assert opened is not None
            account = connection.execute(
                "SELECT id FROM accounts WHERE user_id = %s", (row[0],)
            ).fetchone()
            assert account is not None
            at = datetime.now(UTC).replace(hour=1, minute=0)
            connection.execute(TRANSACTIONS, {"count": count})
            # The trigger takes one transaction a statement, which would fill for minutes.
            connection.execute("ALTER TABLE postings DISABLE TRIGGER USER")
            connection.execute(POSTINGS, {"at": at, "account": account[0]})
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")
        _race(database, url, row[0], Period(at.date(), at.date()), count)
    finally:
        database.close()
        servers.stop()


def _race(database: Database, url: str, user_id: int, period: Period, count: int) -> None:
    context = Context.of_system("bench")
    told = phrases("en")
    best = {"ours": float("inf"), "copy": float("inf")}
    for _ in range(5):
        sink = _Counting()
        began = time.perf_counter()
        with wallet_copy(database, context, user_id, period, told) as statement:
            assert isinstance(statement, CopiedStatement)
            render_csv(statement, sink)
            assert statement.summary.lines == count
        best["ours"] = min(best["ours"], time.perf_counter() - began)
        began = time.perf_counter()
        with database.snapshot(context) as connection:
            sql.tell_nairobi_time(connection)
            found = sql.wallet_of(connection, user_id)
            assert found is not None
            with connection.cursor().copy(COPY, sql._parameters(found, period)) as copy:
                for _ in copy:
                    pass
        best["copy"] = min(best["copy"], time.perf_counter() - began)
    ratio = best["copy"] / best["ours"]
    print(f"CSV of {count:,} rows: {best['ours']:.3f} s; COPY TO {best['copy']:.3f} s;", end=" ")
    print(f"our speed / COPY's: {ratio:.2f}")


def main() -> None:
    """Run all comparisons."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compare_first_page(folder)
        compare_pdf(folder)
    compare_csv()


if __name__ == "__main__":
    main()
