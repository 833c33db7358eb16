"""Statements asked for, mailed through a real SMTP server, and read back from it."""

import hashlib
import io
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import requests
from pydantic import SecretStr

from jobs.services import JobServices
from jobs.statements import draw
from jobs.tasks import send_statements
from ledger.commands.statements import claim_mail, request_statement
from ledger.core.context import Context
from ledger.core.people import User
from ledger.core.refusals import Refusal, RefusalCode
from ledger.core.rules import nairobi_day
from ledger.core.statements import IssuedStatement, Period, Verdict
from ledger.db.engine import Database
from ledger.queries.statements import judge_file
from standin.server import Server
from tests.db.people import new_user
from tests.mail_servers import PASSWORD, USER, make_authority, scripted_server, tls_server

TODAY = Period(nairobi_day(datetime.now(UTC)), nairobi_day(datetime.now(UTC)))


@pytest.fixture
def services(job_services: JobServices, standin: Server, database_owner_url: str) -> JobServices:
    """Job services whose mail goes to the stand-in; nothing of earlier tests is waiting."""
    with psycopg.connect(database_owner_url) as connection:
        connection.execute("SELECT set_config('cycle.actor', 'system:test', false)")
        connection.execute("UPDATE statements SET state = 'failed' WHERE state <> 'issued'")
    settings = job_services.settings.model_copy(
        update={"smtp_host": "127.0.0.1", "smtp_port": standin.smtp_port, "smtp_user": None}
    )
    return JobServices(settings, job_services.database, job_services.redis)


def customer(
    database: Database, owner_url: str, *, language: str = "en", confirmed: bool = True
) -> User:
    user = new_user(database, cents=12_345_67, language=language)
    with psycopg.connect(owner_url) as connection:
        connection.execute("SELECT set_config('cycle.actor', 'system:test', false)")
        connection.execute(
            "UPDATE users SET email = %s, email_confirmed_at = CASE WHEN %s THEN now() END"
            " WHERE id = %s",
            (f"jane{user.id}@gmail.com", confirmed, user.id),
        )
    return user


def ask(database: Database, user: User, reference: str = "") -> IssuedStatement | Refusal:
    return request_statement(
        database,
        Context.of_user(user.id, "ussd"),
        user.id,
        TODAY,
        source="ussd",
        reference=reference or uuid4().hex,
    )


def mails(standin: Server) -> list[EmailMessage]:
    messages = []
    for entry in requests.get(f"{standin.url}/mail", timeout=5).json():
        kept = requests.get(f"{standin.url}/mail/{entry['id']}", timeout=5).content
        message = message_from_bytes(kept, policy=policy.default)
        assert isinstance(message, EmailMessage)
        messages.append(message)
    return messages


def row_of(owner_url: str, issued: IssuedStatement) -> tuple[str, int, str | None]:
    with psycopg.connect(owner_url) as connection:
        connection.execute("SELECT set_config('cycle.actor', 'system:test', false)")
        row = connection.execute(
            "SELECT state, attempts, failure_reason FROM statements WHERE id = %s", (issued.id,)
        ).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def sms_of(owner_url: str, user: User, template: str) -> list[dict[str, str]]:
    with psycopg.connect(owner_url) as connection:
        connection.execute("SELECT set_config('cycle.actor', 'system:test', false)")
        connection.execute("SELECT fill_outbox()")
        rows = connection.execute(
            "SELECT params FROM outbox WHERE user_id = %s AND template = %s AND channel = 'sms'",
            (user.id, template),
        ).fetchall()
    return [row[0] for row in rows]


def make_due(owner_url: str, issued: IssuedStatement) -> None:
    with psycopg.connect(owner_url) as connection:
        connection.execute("SELECT set_config('cycle.actor', 'system:test', false)")
        connection.execute("UPDATE statements SET due_at = now() WHERE id = %s", (issued.id,))


@pytest.mark.parametrize("language", ["en", "sw"])
def test_a_statement_arrives_genuine_and_an_sms_says_so(
    services: JobServices,
    standin: Server,
    database: Database,
    database_owner_url: str,
    language: str,
) -> None:
    user = customer(database, database_owner_url, language=language)
    issued = ask(database, user)
    assert isinstance(issued, IssuedStatement)
    send_statements.run(services)
    (message,) = mails(standin)
    assert message["To"] == f"jane{user.id}@gmail.com"
    assert ("Taarifa" if language == "sw" else "statement") in message["Subject"]
    (attachment,) = message.iter_attachments()
    content = attachment.get_content()
    assert attachment.get_content_type() == "application/pdf"
    assert judge_file(database, _sha256(content), None) == (Verdict.GENUINE, issued.reference)
    if shutil.which("pdftotext"):
        text = subprocess.run(
            ["pdftotext", "-", "-"], input=content, capture_output=True, check=True
        )
        assert b"12,345.67" in text.stdout
    assert row_of(database_owner_url, issued)[0] == "sent"
    (params,) = sms_of(database_owner_url, user, "statement_sent")
    assert params["email"] == "j***@gmail.com"
    send_statements.run(services)
    assert len(mails(standin)) == 1


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def test_a_failing_server_is_tried_again_and_gets_it_once(
    services: JobServices, standin: Server, database: Database, database_owner_url: str
) -> None:
    user = customer(database, database_owner_url)
    issued = ask(database, user)
    assert isinstance(issued, IssuedStatement)
    standin.world.faults.load({"rules": [{"at": "smtp", "do": "error500", "times": 1}]})
    send_statements.run(services)
    state, attempts, reason = row_of(database_owner_url, issued)
    assert (state, attempts) == ("queued", 1)
    assert reason
    assert sms_of(database_owner_url, user, "statement_sent") == []
    make_due(database_owner_url, issued)
    send_statements.run(services)
    assert row_of(database_owner_url, issued)[0] == "sent"
    (message,) = mails(standin)
    (attachment,) = message.iter_attachments()
    verdict, _ = judge_file(database, _sha256(attachment.get_content()), None)
    assert verdict is Verdict.GENUINE


@pytest.mark.parametrize(("kind", "arrived"), [("drop", 0), ("lose_reply", 1)])
def test_what_may_have_arrived_is_not_sent_again_and_the_customer_is_told(
    services: JobServices,
    standin: Server,
    database: Database,
    database_owner_url: str,
    kind: str,
    arrived: int,
) -> None:
    user = customer(database, database_owner_url)
    issued = ask(database, user)
    assert isinstance(issued, IssuedStatement)
    standin.world.faults.load({"rules": [{"at": "smtp", "do": kind, "times": 1}]})
    for _ in range(2):
        send_statements.run(services)
    state, attempts, reason = row_of(database_owner_url, issued)
    assert (state, attempts) == ("failed", 1)
    assert reason is not None
    assert reason.startswith("may have arrived")
    assert len(mails(standin)) == arrived
    (params,) = sms_of(database_owner_url, user, "statement_unsure")
    assert params["email"] == "j***@gmail.com"
    assert isinstance(ask(database, user), IssuedStatement)


def test_what_a_server_dropped_half_way_goes_out_once_over_tls(
    services: JobServices,
    database: Database,
    database_owner_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = customer(database, database_owner_url)
    issued = ask(database, user)
    assert isinstance(issued, IssuedStatement)
    script = (b"220 mail", b"250 mail", b"250 sender", b"250 recipient")
    with scripted_server(*script) as (port, _):
        half_way = services.settings.model_copy(update={"smtp_port": port})
        send_statements.run(JobServices(half_way, services.database, services.redis))
    assert row_of(database_owner_url, issued)[:2] == ("queued", 1)
    assert sms_of(database_owner_url, user, "statement_sent") == []
    make_due(database_owner_url, issued)
    authority = make_authority(tmp_path / "authority")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    with tls_server(authority, from_start=False) as (port, kept):
        login = {"smtp_port": port, "smtp_user": USER, "smtp_pass": SecretStr(PASSWORD)}
        safe = services.settings.model_copy(update=login)
        for _ in range(2):
            send_statements.run(JobServices(safe, services.database, services.redis))
    assert (len(kept.messages), kept.encrypted) == (1, [True])
    assert row_of(database_owner_url, issued)[:2] == ("sent", 2)
    assert len(sms_of(database_owner_url, user, "statement_sent")) == 1


def test_a_refused_address_is_given_up_and_told(
    services: JobServices, standin: Server, database: Database, database_owner_url: str
) -> None:
    user = customer(database, database_owner_url)
    issued = ask(database, user)
    assert isinstance(issued, IssuedStatement)
    standin.world.faults.load({"rules": [{"at": "smtp", "do": "refuse", "times": 1}]})
    send_statements.run(services)
    assert row_of(database_owner_url, issued)[0] == "failed"
    assert len(sms_of(database_owner_url, user, "statement_failed")) == 1
    assert mails(standin) == []


def test_no_server_parks_the_rest_of_the_turn(
    services: JobServices, database: Database, database_owner_url: str
) -> None:
    first, second = (customer(database, database_owner_url) for _ in range(2))
    asked = [ask(database, first), ask(database, second)]
    dead = services.settings.model_copy(update={"smtp_port": 9})
    send_statements.run(JobServices(dead, services.database, services.redis))
    attempts = [row_of(database_owner_url, issued)[1] for issued in asked]  # type: ignore[arg-type]
    assert attempts == [1, 0]


def test_a_statement_whose_worker_always_dies_is_parked(
    services: JobServices, standin: Server, database: Database, database_owner_url: str
) -> None:
    user = customer(database, database_owner_url)
    issued = ask(database, user)
    assert isinstance(issued, IssuedStatement)
    with psycopg.connect(database_owner_url) as connection:
        connection.execute("SELECT set_config('cycle.actor', 'system:test', false)")
        connection.execute(
            "UPDATE statements SET state = 'sending', attempts = %s WHERE id = %s",
            (send_statements.ATTEMPTS_MAX, issued.id),
        )
    send_statements.run(services)
    assert row_of(database_owner_url, issued)[0] == "failed"
    assert mails(standin) == []


@pytest.mark.parametrize("drawn", [False, True])
def test_a_worker_lost_after_it_made_the_file_sends_none_twice(
    services: JobServices,
    standin: Server,
    database: Database,
    database_owner_url: str,
    drawn: bool,
) -> None:
    user = customer(database, database_owner_url)
    issued = ask(database, user)
    assert isinstance(issued, IssuedStatement)
    system = Context.of_system("statements")
    claimed = claim_mail(database, system)
    assert claimed == (replace(issued, attempts=1), False)
    if drawn:
        draw(database, system, issued, "https://cycle.example", io.BytesIO())
    make_due(database_owner_url, issued)
    send_statements.run(services)
    assert len(mails(standin)) == (0 if drawn else 1)
    assert row_of(database_owner_url, issued)[0] == ("failed" if drawn else "sent")
    assert len(sms_of(database_owner_url, user, "statement_unsure")) == int(drawn)


def test_five_a_day_and_only_to_a_confirmed_address(
    database: Database, database_owner_url: str
) -> None:
    user = customer(database, database_owner_url)
    for _ in range(5):
        assert isinstance(ask(database, user), IssuedStatement)
    assert ask(database, user) == Refusal(RefusalCode.STATEMENTS_TODAY, {"maximum": 5})
    unsure = customer(database, database_owner_url, confirmed=False)
    assert ask(database, unsure) == Refusal(RefusalCode.EMAIL_UNCONFIRMED)


def test_the_same_request_twice_is_one_statement(
    database: Database, database_owner_url: str
) -> None:
    user = customer(database, database_owner_url)
    key = uuid4().hex
    first, again = ask(database, user, key), ask(database, user, key)
    assert first == again
    assert isinstance(first, IssuedStatement)


def test_what_was_written_before_a_failure_is_no_statement(database: Database) -> None:
    out = io.BytesIO(b"%PDF half")
    assert judge_file(database, _sha256(out.getvalue()), "7KQ2MRX9TB") == (Verdict.UNKNOWN, None)
