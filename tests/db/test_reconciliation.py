"""Reconciliation finds each planted case and nothing else, twice in a row (A23, A24)."""

import itertools
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from redis import Redis

from jobs.services import JobServices
from jobs.tasks import process_callbacks
from ledger.commands import inbox, reconcile
from ledger.commands.deposits import request_deposit
from ledger.core.context import Context
from ledger.core.reconciliation import RunKind, Window
from ledger.core.refusals import Refusal
from ledger.core.rules import NAIROBI
from ledger.db import mpesa_records, reconciliation
from ledger.db.callbacks import Received
from ledger.db.engine import Database
from ledger.db.mpesa_records import MpesaRecord, Upload
from ledger.db.reconciliation import Item, Run
from tests.db.people import new_user
from tests.e2e.stack import wait_until
from tests.quick_hashing import open_database
from tests.servers import Servers
from tests.web_process import web_process
from ussd_app.services import Services
from ussd_app.settings import Settings

FINANCE = Context(actor="admin:1", channel="console")
SYSTEM = Context.of_system("test")
_receipts = itertools.count(random.randrange(10**6))


def new_receipt() -> str:
    return f"TK{next(_receipts):08d}"


class Books:
    """A product whose M-Pesa side a test can write."""

    def __init__(
        self, settings: Settings, database: Database, redis: Redis, owner_url: str, app: Flask
    ) -> None:
        self.settings, self.database, self.redis = settings, database, redis
        self.owner_url = owner_url
        self.app = app
        self.client: FlaskClient = app.test_client()
        self.user = new_user(database)
        self.now = datetime.now(UTC)
        self.window = Window(self.now - timedelta(hours=24), self.now + timedelta(minutes=5))

    @property
    def half_an_hour_ago(self) -> datetime:
        return self.now - timedelta(minutes=30)

    def confirmation(self, receipt: str, amount: str = "100.00") -> dict[str, str]:
        return {
            "TransactionType": "Pay Bill",
            "TransID": receipt,
            "TransTime": self.half_an_hour_ago.astimezone(NAIROBI).strftime("%Y%m%d%H%M%S"),
            "TransAmount": amount,
            "BusinessShortCode": self.settings.mpesa_shortcode,
            "BillRefNumber": self.user.msisdn.removeprefix("+"),
            "OrgAccountBalance": "25.00",
            "MSISDN": "2547 ***** 126",
            "FirstName": "JANE",
        }

    def pay(self, receipt: str, amount: str = "100.00") -> None:
        """Let a customer pay by hand; the callback is stored, not yet processed."""
        key = self.settings.mpesa_c2b_keys[0].get_secret_value()
        answer = self.client.post(
            f"/hooks/c2b/{key}/confirm", json=self.confirmation(receipt, amount)
        )
        assert answer.status_code == 200

    def process(self) -> None:
        """Let workers take turns until nothing waits: a slow machine needs several."""

        def all_processed() -> bool:
            process_callbacks.run(JobServices(self.settings, self.database, self.redis))
            with self.database.transaction(FINANCE) as connection:
                waiting = "SELECT FROM mpesa_callbacks WHERE state = 'received'"
                return connection.execute(waiting).fetchone() is None

        wait_until(all_processed)

    def owner(self, statement: str, *values: Any) -> None:
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute("SET ROLE cycle_app")
            connection.execute("SELECT set_config('cycle.actor', 'system:test', false)")
            connection.execute(statement, values)

    def prompt(self, *, state: str, minutes_ago: int = 30) -> Any:
        """Plant a deposit in a state."""
        user = new_user(self.database)
        payment = request_deposit(
            self.database,
            Context.of_user(user.id, "ussd"),
            user.id,
            random.randrange(100, 100_000) * 100,
            source="test",
            reference=new_receipt(),
        )
        assert not isinstance(payment, Refusal)
        self.owner(
            "UPDATE payments SET state = %s, submitted_at = %s, due_at = NULL WHERE id = %s",
            state,
            self.now - timedelta(minutes=minutes_ago),
            payment.id,
        )
        return payment

    def statement(self, *records: MpesaRecord, covers: bool = False) -> None:
        """Upload what the portal would list."""
        start, end = self.window.start - timedelta(hours=3), self.window.end
        with self.database.transaction(FINANCE) as connection:
            upload_id = None
            if covers:
                upload = Upload(
                    "portal.csv", random.randbytes(8), start, end, len(records), None, None, 0
                )
                upload_id = mpesa_records.insert_upload(connection, upload, "admin:1")
            mpesa_records.load(connection, "statement", records, upload_id=upload_id)

    def run(self, window: Window | None = None) -> Run:
        run_id = reconcile.request(self.database, FINANCE, RunKind.MPESA, window or self.window)
        return reconcile.perform(self.database, run_id, report_to=("cfo@cycle.example",))

    def items(self, state: str = "pending") -> list[Item]:
        with self.database.transaction(FINANCE) as connection:
            return reconciliation.items_by_state(connection, state, 1000)

    def found(self) -> list[tuple[str, str]]:
        return sorted((item.category, item.subject) for item in self.items())


@pytest.fixture
def books(servers: Servers, settings: Settings, redis_client: Redis) -> Iterator[Books]:
    url = servers.clone()
    own = settings.model_copy(update={"database_url": SecretStr(url)})
    database = open_database(own)
    with web_process(Services(own, database, redis_client)) as app:
        yield Books(own, database, redis_client, url, app)
    database.close()
    servers.drop(url)


def _paid(books: Books, receipt: str, cents: int, **fields: Any) -> MpesaRecord:
    return MpesaRecord(receipt, cents, books.half_an_hour_ago, **fields)


def test_one_case_of_each_kind_among_a_hundred_good_pairs_is_found_twice(books: Books) -> None:
    good = [new_receipt() for _ in range(100)]
    for receipt in good:
        books.pay(receipt)
    wrong_amount = new_receipt()
    books.pay(wrong_amount)
    books.process()
    books.statement(_paid(books, wrong_amount, 9_000))
    lost = new_receipt()
    body = json.dumps(books.confirmation(lost)).encode()
    inbox.store(books.database, [Received("c2b_confirm", "x", body, {}, None)])
    books.owner("UPDATE mpesa_callbacks SET state = 'processed' WHERE token = 'x'")
    silent = books.prompt(state="pending")
    failed = books.prompt(state="failed")
    late = new_receipt()
    books.statement(_paid(books, late, failed.amount, account_reference=failed.account_reference))

    first = books.run()
    planted = [
        ("amount_mismatch", wrong_amount),
        ("missing_callback", f"payment:{silent.id}"),
        ("missing_ledger", lost),
        ("status_mismatch", late),
    ]
    assert first.problem is None
    assert books.found() == planted
    assert (first.state, first.mismatch_count, first.new_items) == ("warning", 4, 4)
    second = books.run()
    assert books.found() == planted
    assert (second.state, second.mismatch_count, second.new_items) == ("warning", 4, 0)


def test_a_day_without_mismatches_ends_completed(books: Books) -> None:
    for _ in range(5):
        books.pay(new_receipt())
    books.process()
    run = books.run()
    assert (run.state, run.found) == ("completed", {})
    assert run.sources["callbacks"] == "read"


def test_a_receipt_that_a_covering_list_lacks_is_missing_external(books: Books) -> None:
    real, forged = new_receipt(), new_receipt()
    for receipt in (real, forged):
        books.pay(receipt)
    books.process()
    books.owner("UPDATE mpesa_callbacks SET kind = 'forgotten' WHERE body::text IS NOT NULL")
    assert books.run().state == "completed", "without a list nothing proves absence"
    books.statement(_paid(books, real, 10_000), covers=True)
    books.run()
    assert books.found() == [("missing_external", forged)]


def test_a_reversal_in_the_portal_is_a_status_mismatch_of_the_original(books: Books) -> None:
    receipt = new_receipt()
    books.pay(receipt)
    books.process()
    books.statement(_paid(books, new_receipt(), -10_000, reverses=receipt))
    books.run()
    assert books.found() == [("status_mismatch", receipt)]


def test_a_receipt_listed_with_two_amounts_is_a_duplicate(books: Books) -> None:
    receipt = new_receipt()
    books.pay(receipt)
    books.process()
    books.statement(_paid(books, receipt, 10_000), _paid(books, receipt, 500))
    books.run()
    assert books.found() == [("duplicate_receipt", receipt)]


def test_a_charge_with_the_receipt_of_its_payout_is_no_mismatch(books: Books) -> None:
    receipt = new_receipt()
    books.pay(receipt)
    books.process()
    books.statement(_paid(books, receipt, -500, kind="charge"))
    assert books.run().state == "completed"


def test_a_settled_mismatch_is_closed_by_the_next_run_of_its_day(books: Books) -> None:
    silent = books.prompt(state="pending")
    day = Window(
        datetime(silent.created_at.year, 1, 1, tzinfo=NAIROBI),
        datetime(silent.created_at.year + 1, 1, 1, tzinfo=NAIROBI),
    )
    books.run(day)
    assert len(books.items()) == 1
    books.owner("UPDATE payments SET state = 'failed' WHERE id = %s", silent.id)
    assert books.run(day).state == "completed"
    assert [item.resolver for item in books.items("resolved")] == ["system:reconcile"]
    books.owner("UPDATE payments SET state = 'pending' WHERE id = %s", silent.id)
    books.run(day)
    assert len(books.items()) == 1, "and it comes back when it does"


def test_an_unread_callback_makes_the_run_incomplete(books: Books) -> None:
    books.pay(new_receipt())
    books.owner("UPDATE mpesa_callbacks SET attempts = 3")
    run = books.run()
    assert run.state == "incomplete"
    assert run.sources["callbacks"] == "failed"


def test_new_findings_are_mailed_once(books: Books) -> None:
    books.prompt(state="pending")
    books.run()
    books.run()
    with books.database.transaction(SYSTEM) as connection:
        mails = connection.execute(
            "SELECT params FROM outbox WHERE template = 'reconciliation_report'"
        ).fetchall()
    assert len(mails) == 1
    assert mails[0]["params"]["found"] == "missing_callback 1"


def test_the_ledger_run_names_the_account_that_sql_changed(books: Books) -> None:
    books.pay(new_receipt())
    books.process()
    run_id = reconcile.request(books.database, FINANCE, RunKind.LEDGER)
    assert reconcile.perform(books.database, run_id).state == "completed"
    with psycopg.connect(books.owner_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE accounts NO FORCE ROW LEVEL SECURITY")
        owner.execute(
            "UPDATE accounts SET balance = balance + 1 WHERE id = %s",
            (books.user.wallet_account_id,),
        )
    run_id = reconcile.request(books.database, FINANCE, RunKind.LEDGER)
    assert reconcile.perform(books.database, run_id).state == "warning"
    assert any(str(books.user.wallet_account_id) in item.subject for item in books.items())


def _reading(books: Books, minutes_ago: int, held: int, cash: int) -> None:
    moment = books.now - timedelta(minutes=minutes_ago)
    books.owner(
        "INSERT INTO float_readings (shortcode, token, state, asked_at, read_at, working, utility,"
        " ledger_cash) VALUES ('600999', %s, 'read', %s, %s, 0, %s, %s)",
        new_receipt(),
        moment,
        moment,
        held,
        cash,
    )


def test_a_float_that_moved_otherwise_than_cash_is_a_control_total(books: Books) -> None:
    _reading(books, 300, held=1_000_000, cash=400_000)
    _reading(books, 200, held=1_050_000, cash=450_000)
    assert books.run().state == "completed", "both moved by 500.00"
    _reading(books, 100, held=1_049_000, cash=450_000)
    run = books.run()
    assert run.sources["balance"] == "read"
    [item] = books.items()
    assert (item.category, item.subject) == ("control_total", "float:600999")
    assert (item.expected, item.actual) == (50_000, 49_000)


def test_a_float_that_could_not_be_read_makes_the_run_incomplete(books: Books) -> None:
    books.owner(
        "INSERT INTO float_readings (shortcode, token, state, failure, asked_at)"
        " VALUES ('600999', %s, 'failed', 'refused', %s)",
        new_receipt(),
        books.half_an_hour_ago,
    )
    run = books.run()
    assert (run.state, run.sources["balance"]) == ("incomplete", "failed")


def test_two_transactions_for_one_payment_are_a_duplicate_on_the_day_of_the_second(
    books: Books,
) -> None:
    receipt = new_receipt()
    books.pay(receipt)
    books.process()
    with psycopg.connect(books.owner_url, autocommit=True) as owner:
        for table in ("transactions", "postings"):
            owner.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")  # type: ignore[arg-type]
        owner.execute("ALTER TABLE postings DISABLE TRIGGER postings_sum_to_zero")
        owner.execute(
            "INSERT INTO transactions (id, payment_id, receipt, kind, source, reference,"
            " request_digest, actor, channel) OVERRIDING SYSTEM VALUE SELECT 999999, t.payment_id,"
            " 'TWICETWICE', t.kind, 'test', 'twice', t.request_digest, t.actor, t.channel"
            " FROM transactions AS t JOIN payments AS y ON y.transaction_id = t.id"
            " WHERE y.mpesa_receipt = %s",
            (receipt,),
        )
        owner.execute(
            "INSERT INTO postings (account_id, posted_at, transaction_id, amount, direction)"
            " VALUES (1, now(), 999999, 10000, 'D')"
        )
    books.run()
    assert books.found() == [("duplicate_receipt", receipt)]
