"""A month of 120 entries as a customer downloads it, and notes that would like to be formulas."""

import base64
import csv
import io
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from ledger.core.context import Context
from ledger.core.people import User
from ledger.core.plans import Posted
from ledger.core.rules import NAIROBI, nairobi_day
from ledger.core.statements import Period
from ledger.db.engine import Database
from ledger.queries import users
from tests.db.people import deposit
from tests.db.test_statements import post_at
from tests.web.api_people import ApiCustomer, join
from ussd_app.settings import Settings

LAST_MONTH = Period.of_month(nairobi_day(datetime.now(UTC)).replace(day=1) - timedelta(days=1))
needs_tools = pytest.mark.skipif(
    shutil.which("pdftotext") is None or shutil.which("qpdf") is None,
    reason="needs poppler-utils and qpdf",
)


@pytest.fixture
def customer(client: FlaskClient, database: Database, settings: Settings) -> ApiCustomer:
    return join(client, database, settings)


def as_user(database: Database, customer: ApiCustomer) -> User:
    user = users.get(database, Context.of_system("test"), customer.user_id)
    assert user is not None
    return user


def download(customer: ApiCustomer, period: Period, file_format: str) -> bytes:
    answer = customer.get(
        "/api/wallet/statement",
        startDate=period.first_day.isoformat(),
        endDate=period.last_day.isoformat(),
        format=file_format,
    )
    assert answer.status_code == 200, answer.text
    return base64.b64decode(answer.json["data"])


@needs_tools
def test_a_month_of_120_entries_is_whole_and_adds_up(
    customer: ApiCustomer, database: Database, database_owner_url: str, tmp_path: Path
) -> None:
    first = datetime.combine(LAST_MONTH.first_day, datetime.min.time(), NAIROBI)
    last = datetime.combine(LAST_MONTH.last_day, datetime.min.time(), NAIROBI)
    moments = [(first + timedelta(hours=5 * n), 1_000_00 + n) for n in range(119)]
    moments.append((last.replace(hour=23, minute=59), 77_77))
    post_at(database_owner_url, as_user(database, customer), moments)
    pdf = download(customer, LAST_MONTH, "pdf")
    (tmp_path / "statement.pdf").write_bytes(pdf)
    command = ["qpdf", "--check", str(tmp_path / "statement.pdf")]
    checked = subprocess.run(command, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    command = ["pdftotext", "-layout", "-", "-"]
    shown = subprocess.run(command, input=pdf, capture_output=True, check=True).stdout.decode()
    pages = shown.split("\f")[:-1]
    assert all(re.search(r"Date +Reference +Details", page) for page in pages)
    assert all(f"Page {n} of {len(pages)}" in page for n, page in enumerate(pages, start=1))
    rows = re.findall(r"^ *\d+ \w{3} \d{4} +[2-9A-HJKMNP-Z]{10} ", shown, re.MULTILINE)
    assert len(rows) == 120
    assert "23:59:00" in pages[-1]
    total = sum(cents for _, cents in moments)
    closing = re.search(r"Closing balance +([\d,.]+) +([\d,.]+) +([\d,.]+)$", shown, re.MULTILINE)
    assert closing is not None
    out, into, balance = (int(re.sub(r"[,.]", "", figure)) for figure in closing.groups())
    assert (out, into, balance) == (0, total, total)
    entries = list(csv.DictReader(io.StringIO(download(customer, LAST_MONTH, "csv").decode())))
    assert len(entries) == 120
    assert (entries[-1]["date"], entries[-1]["time"]) == (str(LAST_MONTH.last_day), "23:59:00")


@pytest.mark.parametrize(
    "note",
    [
        '=HYPERLINK("x")',
        '+1,"2"',
        "-1\r\n=2",
        "@SUM(1)",
        " =1",
        "  -1",
        "\t=1",
        "\n=1",
        "\uff1d1",
        'He said "hi", twice\nthen left',
        "Kodi, =Oktoba",
        "\\.",
        " ",
    ],
)
def test_a_note_stays_one_cell_and_runs_nothing(
    customer: ApiCustomer, database: Database, note: str
) -> None:
    user = as_user(database, customer)
    paid = deposit(database, user, 500, details={"note": note, "from": {"name": note}})
    assert isinstance(paid, Posted)
    today = nairobi_day(datetime.now(UTC))
    content = download(customer, Period(today, today), "csv").decode()
    (row,) = csv.DictReader(io.StringIO(content, newline=""), strict=True)
    assert row["note"].removeprefix("'") == note
    for name, cell in row.items():
        if name not in ("money_in", "money_out", "fee", "balance"):
            assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\n", "\uff1d")), name
    assert content.endswith("\r\n")
