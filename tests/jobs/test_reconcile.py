"""The scheduled runs: when they are due, what they ask M-Pesa, how an unread source ends one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from jobs.services import JobServices
from jobs.tasks import reconcile as task
from ledger.commands import reconcile
from ledger.core.context import Context
from ledger.core.reconciliation import RunKind, Window
from ledger.core.rules import NAIROBI
from ledger.db.engine import Database
from ledger.db.reconciliation import Run
from ledger.queries.reconciliation import history, items
from tests.gateway import Gateway, refused, said
from ussd_app.settings import Settings

SYSTEM = Context.of_system("test")
HOUR = timedelta(hours=1)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    opened = Gateway()
    yield opened
    opened.close()


@pytest.fixture
def services(
    settings: Settings, fresh_database: Database, redis_client: Redis, gateway: Gateway
) -> JobServices:
    own = settings.model_copy(
        update={"mpesa_base_url": gateway.url, "admin_emails": ("cfo@cycle.example",)}
    )
    return JobServices(own, fresh_database, redis_client)


def _at(hour: int, minute: int, day: int = 25) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=NAIROBI)


def _asked(services: JobServices) -> list[tuple[str, datetime, datetime]]:
    runs = history(services.database, SYSTEM, 100)
    return sorted(
        (run.kind, run.window_start, run.window_end)
        for run in runs
        if run.window_start is not None and run.window_end is not None
    )


def _newest(services: JobServices) -> Run:
    return history(services.database, SYSTEM, 1)[0]


def test_before_three_only_the_last_three_hours_are_due(services: JobServices) -> None:
    for minute in (0, 1, 59):
        task.schedule(services, _at(2, minute))
    assert _asked(services) == [("mpesa", _at(23, 0, day=24), _at(2, 0))]


def test_from_three_on_yesterday_and_the_ledger_are_due_once(services: JobServices) -> None:
    for minute in (0, 1, 30):
        task.schedule(services, _at(3, minute))
    task.schedule(services, _at(17, 0))
    yesterday = (_at(0, 0, day=24), _at(0, 0, day=25))
    assert _asked(services) == [
        ("ledger", *yesterday),
        ("mpesa", *yesterday),
        ("mpesa", _at(0, 0), _at(3, 0)),
        ("mpesa", _at(14, 0), _at(17, 0)),
    ]
    task.schedule(services, _at(3, 0, day=26))
    assert ("ledger", _at(0, 0, day=25), _at(0, 0, day=26)) in _asked(services)


def _paid(receipt: str, minutes_ago: int) -> dict[str, Any]:
    moment = datetime.now(NAIROBI) - timedelta(minutes=minutes_ago)
    return {
        "transactionId": receipt,
        "amount": "143.00",
        "billreference": "nobody",
        "trxDate": f"{moment:%Y-%m-%dT%H:%M:%S}Z",
        "transactiontype": "c2b-pay-bill-debit",
    }


def _run(services: JobServices) -> Run:
    now = datetime.now(UTC)
    reconcile.request(services.database, SYSTEM, RunKind.MPESA, Window(now - 3 * HOUR, now))
    for run_id in reconcile.waiting(services.database):
        task.perform(services, run_id)
    return _newest(services)


def _mails(services: JobServices) -> list[dict[str, Any]]:
    with services.database.transaction(SYSTEM) as connection:
        return [
            row["params"]
            for row in connection.execute(
                "SELECT params FROM outbox WHERE template = 'reconciliation_report' ORDER BY id"
            ).fetchall()
        ]


def test_a_payment_in_m_pesas_own_list_is_found_once_and_mailed(
    services: JobServices, gateway: Gateway
) -> None:
    gateway.reply = lambda path, token, body: said(
        ResponseCode="1000", Response=[[_paid("TC25AAAA01", minutes_ago=60)]]
    )
    first, second = _run(services), _run(services)
    for run, new in ((first, 1), (second, 0)):
        assert (run.state, run.found, run.new_items) == ("warning", {"missing_ledger": 1}, new)
        assert run.sources["pull"] == "read"
    assert [item.subject for item in items(services.database, SYSTEM, "pending")] == ["TC25AAAA01"]
    assert [mail["state"] for mail in _mails(services)] == ["warning"], (
        "nothing new, no second mail"
    )


@pytest.mark.parametrize(
    "answer", [None, refused(500, "500.003.1001"), (503, b"<html>Incapsula</html>"), said()]
)
def test_a_list_that_can_not_be_read_leaves_the_run_incomplete_and_is_told(
    services: JobServices, gateway: Gateway, answer: Any
) -> None:
    gateway.reply = lambda path, token, body: answer
    run = _run(services)
    assert (run.state, run.sources["pull"]) == ("incomplete", "failed")
    assert [mail["state"] for mail in _mails(services)] == ["incomplete"]


def test_an_empty_list_proves_nothing_and_fails_nothing(
    services: JobServices, gateway: Gateway
) -> None:
    # The same answer comes when the shortcode has not subscribed to Pull.
    gateway.reply = lambda path, token, body: said(ResponseCode="1001", ResponseMessage="none")
    run = _run(services)
    assert (run.state, run.sources["pull"]) == ("completed", "not_asked")


def test_a_day_that_pull_no_longer_knows_is_not_asked(
    services: JobServices, gateway: Gateway
) -> None:
    start = datetime.now(UTC) - timedelta(days=9)
    window = Window(start, start + timedelta(days=1))
    run_id = reconcile.request(services.database, SYSTEM, RunKind.MPESA, window)
    task.perform(services, run_id)
    assert _newest(services).sources["pull"] == "not_asked"
    assert gateway.posted("pulltransactions") == []


def test_all_that_is_due_is_done_by_one_bell_and_nothing_by_the_next(
    services: JobServices, gateway: Gateway
) -> None:
    gateway.reply = lambda path, token, body: said(ResponseCode="1001", ResponseMessage="none")
    task.run(services)
    runs = history(services.database, SYSTEM, 100)
    assert runs
    assert {run.state for run in runs} == {"completed"}
    task.run(services)
    # A full hour may have struck meanwhile; a day has not.
    assert len(history(services.database, SYSTEM, 100)) - len(runs) <= 1
