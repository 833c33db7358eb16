"""The organisation's mail: due at 06:30, caught up, never twice, and right in its figures."""

import csv
import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import psycopg
import pytest
import requests
from click.testing import CliRunner
from psycopg.types.json import Jsonb
from pydantic import SecretStr

from jobs.services import JobServices
from jobs.statement.words import show_date
from jobs.tasks import send_organisation_mail
from ledger.commands import organisation_mail
from ledger.commands.maintenance import seal_audit
from ledger.core.organisation import MailKind, due_periods
from ledger.core.rules import NAIROBI, nairobi_day
from ledger.core.statements import Period
from standin.server import Server
from tests.db.people import new_user
from tests.quick_hashing import open_database
from tests.servers import Servers
from ussd_app.cli.organisation_mail import command

TODAY = nairobi_day(datetime.now(UTC))
YESTERDAY = TODAY - timedelta(days=1)
TITLE = f"Cycle Day report, {show_date(TODAY, 'en')}"
PAIR = ("boss@example.org", "books@example.org")


@pytest.fixture
def owner_url(servers: Servers) -> Iterator[str]:
    url = servers.clone()
    yield url
    servers.drop(url)


@pytest.fixture
def services(job_services: JobServices, standin: Server, owner_url: str) -> Iterator[JobServices]:
    """Services on a database of their own, whose chart was made yesterday."""
    settings = job_services.settings.model_copy(
        update={
            "database_url": SecretStr(owner_url),
            "smtp_host": "127.0.0.1",
            "smtp_port": standin.smtp_port,
            "smtp_user": None,
            "admin_emails": PAIR,
        }
    )
    with psycopg.connect(owner_url) as connection:
        as_system(connection)
        connection.execute("ALTER TABLE accounts NO FORCE ROW LEVEL SECURITY")
        connection.execute("UPDATE accounts SET created_at = now() - interval '24 hours'")
    database = open_database(settings)
    yield JobServices(settings, database, job_services.redis)
    database.close()


def as_system(connection: psycopg.Connection) -> None:
    connection.execute("SELECT set_config('cycle.actor', 'system:test', false)")


def on_record(owner_url: str) -> list[tuple[str, date, str]]:
    with psycopg.connect(owner_url) as connection:
        as_system(connection)
        return connection.execute(
            "SELECT kind, first_day, state FROM organisation_mails ORDER BY first_day, kind"
        ).fetchall()


def plan_today(owner_url: str) -> None:
    """Put today's mail on record, whatever the clock says."""
    with psycopg.connect(owner_url) as connection:
        as_system(connection)
        connection.execute(
            "INSERT INTO organisation_mails (kind, first_day, last_day) VALUES ('day', %s, %s)",
            (TODAY, TODAY),
        )


def newest_seal(owner_url: str) -> str:
    with psycopg.connect(owner_url) as connection:
        row = connection.execute(
            "SELECT encode(seal_hash, 'hex') FROM audit_seals ORDER BY id DESC LIMIT 1"
        ).fetchone()
    assert row is not None
    return str(row[0])


def mails(standin: Server) -> list[EmailMessage]:
    messages = []
    for entry in requests.get(f"{standin.url}/mail", timeout=5).json():
        assert set(entry["to"]) == set(PAIR)
        kept = requests.get(f"{standin.url}/mail/{entry['id']}", timeout=5).content
        message = message_from_bytes(kept, policy=policy.default)
        assert isinstance(message, EmailMessage)
        messages.append(message)
    return messages


def files_of(message: EmailMessage) -> dict[str, bytes]:
    return {
        str(part.get_filename()): part.get_payload(decode=True)  # type: ignore[misc]
        for part in message.iter_attachments()
    }


def test_the_days_figures_come_by_mail_and_add_up(
    services: JobServices, standin: Server, owner_url: str
) -> None:
    plan_today(owner_url)
    for cents in (1_500_00, 750_50):
        new_user(services.database, cents=cents)
    with psycopg.connect(owner_url) as connection:
        as_system(connection)
        connection.execute(
            "INSERT INTO reconciliation_runs (kind, requested_by, state, found)"
            " VALUES ('ledger', 'system:test', 'incomplete', %s)",
            (Jsonb({"missing_ledger": 2}),),
        )
    seal_audit(services.database)
    send_organisation_mail.run(services)
    message = next(m for m in mails(standin) if m["Subject"].startswith(TITLE))
    body = message.get_body(("plain",))
    assert body is not None
    assert "KES 2,250.50" in body.get_content()
    assert "incomplete, 2 missing_ledger" in body.get_content()
    assert "verified" in body.get_content()
    seal = newest_seal(owner_url)
    assert seal in body.get_content()
    files = files_of(message)
    trial = list(csv.reader(io.StringIO(files[f"cycle-trial-balance-{TODAY}.csv"].decode())))
    assert trial[-1] == ["TOTAL", "", "2250.50", "2250.50"]
    rows = {row[0]: row[2:] for row in trial}
    assert rows["CASH"] == ["2250.50", "0.00"]
    assert rows["WALLETS"] == ["0.00", "2250.50"]
    (float_csv,) = (files[name] for name in files if re.match(r"cycle-cash-.*\.csv", name))
    balances = [row["balance"] for row in csv.DictReader(io.StringIO(float_csv.decode()))]
    assert balances == ["1500.00", "2250.50"]
    if shutil.which("pdftotext"):
        report = files[f"cycle-report-{TODAY}.pdf"]
        command = ["pdftotext", "-layout", "-", "-"]
        shown = subprocess.run(command, input=report, capture_output=True, check=True)
        text = shown.stdout.decode()
        assert re.search(r"Deposit +.*KES 2,250\.50", text)
        assert seal in text
        assert re.search(r"Total +2,250\.50 +2,250\.50", text)


def test_each_mail_goes_out_once(services: JobServices, standin: Server, owner_url: str) -> None:
    plan_today(owner_url)
    send_organisation_mail.run(services)
    sent = len(mails(standin))
    assert sent == len(on_record(owner_url)) >= 1
    send_organisation_mail.run(services)
    assert len(mails(standin)) == sent


def test_two_workers_at_once_send_each_mail_once(
    services: JobServices, standin: Server, owner_url: str
) -> None:
    plan_today(owner_url)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(send_organisation_mail.run, [services, services]))
    send_organisation_mail.run(services)
    keys = [message["Message-ID"] for message in mails(standin)]
    assert len(keys) == len(set(keys)) == len(on_record(owner_url)) >= 1


def test_a_month_has_its_pack(services: JobServices, standin: Server, owner_url: str) -> None:
    new_user(services.database, cents=1_500_00)
    month = Period.of_month(TODAY)
    with psycopg.connect(owner_url) as connection:
        as_system(connection)
        connection.execute(
            "INSERT INTO organisation_mails (kind, first_day, last_day) VALUES ('month', %s, %s)",
            (month.first_day, month.last_day),
        )
    send_organisation_mail.run(services)
    (message,) = (m for m in mails(standin) if "Month report" in m["Subject"])
    files = files_of(message)
    stem = f"{TODAY:%Y-%m}"
    assert files[f"cycle-report-{stem}.pdf"].startswith(b"%PDF-1.7")
    assert b"TOTAL,,1500.00,1500.00" in files[f"cycle-trial-balance-{stem}.csv"]
    floats = {name[-4:] for name in files if name.startswith("cycle-cash-")}
    assert floats == {".pdf", ".csv"}


def test_a_mail_that_may_be_out_is_not_sent_again_but_owned_up_to(
    services: JobServices, standin: Server, owner_url: str
) -> None:
    with psycopg.connect(owner_url) as connection:
        as_system(connection)
        connection.execute(
            "INSERT INTO organisation_mails (kind, first_day, last_day) VALUES ('day', %s, %s)",
            (YESTERDAY, YESTERDAY),
        )
    standin.world.faults.load({"rules": [{"at": "smtp", "do": "lose_reply", "times": 1}]})
    send_organisation_mail.run(services)
    assert ("day", YESTERDAY, "unknown") in on_record(owner_url)
    assert len(mails(standin)) == 1
    plan_today(owner_url)
    send_organisation_mail.run(services)
    body = mails(standin)[-1].get_body(("plain",))
    assert body is not None
    assert f"mail of {YESTERDAY} may not have arrived" in body.get_content()
    assert ("day", YESTERDAY, "unknown") in on_record(owner_url)


def test_a_refusing_server_keeps_the_mail_for_later(
    services: JobServices, standin: Server, owner_url: str
) -> None:
    plan_today(owner_url)
    standin.world.faults.load({"rules": [{"at": "smtp", "do": "error500"}]})
    send_organisation_mail.run(services)
    assert "sent" not in {state for _, _, state in on_record(owner_url)}
    standin.world.faults.load({"rules": []})
    with psycopg.connect(owner_url) as connection:
        as_system(connection)
        connection.execute("UPDATE organisation_mails SET due_at = now()")
    send_organisation_mail.run(services)
    assert {state for _, _, state in on_record(owner_url)} == {"sent"}


@pytest.fixture
def operator(
    services: JobServices, product_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> CliRunner:
    """A terminal whose environment is that of the services."""
    for name, value in product_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATABASE_URL", services.settings.database_url.get_secret_value())
    monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("SMTP_PORT", str(services.settings.smtp_port))
    monkeypatch.setenv("ADMIN_EMAILS", ",".join(PAIR))
    return CliRunner()


def test_an_operator_sends_what_went_astray_and_looks_at_the_files(
    operator: CliRunner, standin: Server, owner_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(owner_url) as connection:
        as_system(connection)
        connection.execute(
            "INSERT INTO organisation_mails (kind, first_day, last_day, state)"
            " VALUES ('day', %s, %s, 'unknown')",
            (YESTERDAY, YESTERDAY),
        )
    sent = operator.invoke(command, ["--day", YESTERDAY.isoformat(), "--send"])
    assert sent.exit_code == 0, sent.output
    assert len(mails(standin)) == 1
    assert on_record(owner_url) == [("day", YESTERDAY, "sent")]
    looked = operator.invoke(command, ["--month", f"{TODAY:%Y-%m}", "--out", str(tmp_path)])
    assert looked.exit_code == 0, looked.output
    assert {path.suffix for path in tmp_path.iterdir()} == {".pdf", ".csv"}
    assert on_record(owner_url) == [("day", YESTERDAY, "sent")]
    refused = operator.invoke(command, ["--day", "2099-01-01", "--send"])
    assert refused.exit_code == 2


def test_days_without_a_machine_are_put_on_record_once(
    services: JobServices, owner_url: str
) -> None:
    later = datetime.now(UTC) + timedelta(days=3)
    organisation_mail.plan(services.database, later)
    first = on_record(owner_url)
    organisation_mail.plan(services.database, later)
    assert on_record(owner_url) == first
    days = [day for kind, day, _ in first if kind == "day"]
    assert days == [YESTERDAY + timedelta(days=n) for n in range(len(days))]
    assert len(days) >= 3


def at(day: int, clock: str) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 11, day, hour, minute, tzinfo=NAIROBI)


@pytest.mark.parametrize(
    ("newest", "now", "due"),
    [
        (date(2026, 11, 20), at(22, "06:29"), []),
        (date(2026, 11, 20), at(22, "06:30"), [21]),
        (date(2026, 11, 17), at(22, "07:00"), [18, 19, 20, 21]),
        (None, at(3, "12:00"), [2]),
        (date(2026, 11, 21), at(22, "23:59"), []),
    ],
)
def test_a_day_is_due_at_half_past_six(newest: date | None, now: datetime, due: list[int]) -> None:
    periods = due_periods(MailKind.DAY, date(2026, 11, 2), newest, now)
    assert [period.first_day.day for period in periods] == due


@pytest.mark.parametrize(
    ("newest", "now", "months"),
    [
        (None, datetime(2026, 11, 30, 23, 0, tzinfo=NAIROBI), []),
        (None, datetime(2026, 12, 1, 6, 29, tzinfo=NAIROBI), []),
        (None, datetime(2026, 12, 1, 6, 30, tzinfo=NAIROBI), [11]),
        (date(2026, 9, 1), datetime(2026, 12, 5, 8, 0, tzinfo=NAIROBI), [10, 11]),
    ],
)
def test_a_month_is_due_on_the_first(newest: date | None, now: datetime, months: list[int]) -> None:
    periods = due_periods(MailKind.MONTH, date(2026, 11, 2), newest, now)
    assert [period.first_day.month for period in periods] == months
    assert all(period == Period.of_month(period.first_day) for period in periods)
