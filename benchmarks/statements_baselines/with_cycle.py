"""A whole statement drawn by our renderer: `with_cycle.py STEM OUT.pdf`."""

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

BEGAN = time.perf_counter()
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jobs.statement.pdf import Issue, render_pdf  # noqa: E402 - found from the checkout's root
from ledger.core.statements import DaySum, Line, Period, Statement, Summary  # noqa: E402

READY = time.perf_counter()
OPENING = 12_345_67


def read_lines(path: Path) -> Iterator[Line]:
    """Yield a file's lines one by one."""
    with path.open(encoding="utf-8") as file:
        for text in file:
            at, *rest = json.loads(text)
            yield Line(datetime.fromisoformat(at), *rest)


def peak_bytes() -> int:
    """Return this process's largest resident size; what it had before exec does not count."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM: this benchmark needs Linux")


def main(stem: str, out: str) -> None:
    """Draw the statement and print seconds without and with imports, and peak memory."""
    closing, days = json.loads(Path(stem + ".days").read_text())
    sums = tuple(DaySum(date.fromisoformat(day), *moved) for day, moved in days.items())
    period = Period(date(2025, 11, 1), date(2026, 10, 31))
    summary = Summary(
        1000, "USER_WALLET", "W712345678", "Wanjiru Kamau", "+254712345678", "en", period,
        OPENING, closing, sums, (),
    )  # fmt: skip
    statement = Statement(summary, read_lines(Path(stem + ".lines")))
    issue = Issue("7KQ2MRX9TB", "https://cycle.example/verify/7KQ2MRX9TB", datetime.now(UTC))
    with open(out, "wb") as file:
        render_pdf(statement, issue, file)
    done = time.perf_counter()
    print(json.dumps([done - READY, done - BEGAN, peak_bytes()]))


if __name__ == "__main__":
    main(*sys.argv[1:])
