"""`cycle verify` names the first wrong row, whatever the owner of the tables did to it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import DictRow, dict_row

from ledger.commands.maintenance import fold_balances, seal_audit
from ledger.commands.profiles import freeze_wallet, unfreeze_wallet
from ledger.commands.transfers import transfer
from ledger.commands.withdrawals import request_withdrawal
from ledger.core.context import Context
from ledger.core.payments import Payment
from ledger.core.people import User
from ledger.core.plans import Posted
from ledger.db import verify
from ledger.db.engine import Database
from ledger.db.verify import Finding
from ledger.queries.verify import verify_ledger
from standin.engines import postgres, postgres_binaries
from standin.processes import Supervisor
from tests.db.people import SYSTEM, deposit, new_user
from tests.quick_hashing import open_database
from tests.servers import Servers
from ussd_app.settings import Settings

CHANGEABLE = ("transactions", "postings", "audit_log", "audit_seals")


@dataclass
class Books:
    """A small ledger with some of everything: two people, a transfer, a hold, seals."""

    database: Database
    owner_url: str
    jane: User
    john: User
    sent: Posted
    held: Payment

    def change(self, connection: psycopg.Connection[DictRow], statement: str) -> None:
        """Change rows as the owner of the tables, with the append-only triggers off."""
        for table in CHANGEABLE:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        changed = connection.execute(
            statement.format(
                jane=self.jane.wallet_account_id,
                john=self.john.wallet_account_id,
                sent=self.sent.transaction_id,
                held=self.held.id,
            )
        ).rowcount
        assert changed > 0, "the corruption touched no row"

    def findings_after(self, statement: str) -> list[Finding]:
        """Return what verify finds after a change, which is undone again."""
        with psycopg.connect(self.owner_url, row_factory=dict_row) as connection:
            self.change(connection, statement)
            found = list(verify.findings(connection, lambda name, done, total: None))
            connection.rollback()
        return found


def _fill(database: Database) -> tuple[User, User, Posted, Payment]:
    jane, john = new_user(database, cents=500_000), new_user(database)
    sent = transfer(
        database,
        Context.of_user(jane.id, "ussd"),
        jane.id,
        john.msisdn,
        20_000,
        source="ussd",
        reference=uuid4().hex,
    )
    held = request_withdrawal(
        database,
        Context.of_user(jane.id, "ussd"),
        jane.id,
        100_000,
        source="ussd",
        reference=uuid4().hex,
    )
    assert isinstance(sent, Posted)
    assert isinstance(held, Payment)
    fold_balances(database)
    seal_audit(database)
    deposit(database, john, 7_000)
    seal_audit(database)
    deposit(database, john, 8_000)
    return jane, john, sent, held


@pytest.fixture(scope="module")
def books(servers: Servers, settings: Settings) -> Iterator[Books]:
    url = servers.clone()
    database = open_database(settings, url)
    yield Books(database, url, *_fill(database))
    database.close()
    servers.drop(url)


def test_books_that_are_right_verify_before_and_after_upkeep(books: Books) -> None:
    assert verify_ledger(books.database) == []
    deposit(books.database, books.john, 100)
    assert verify_ledger(books.database) == []
    fold_balances(books.database)
    seal_audit(books.database)
    deposit(books.database, books.john, 100)
    assert verify_ledger(books.database) == []


def test_a_frozen_wallet_does_not_unbalance_the_books(books: Books) -> None:
    # A24
    freeze_wallet(books.database, SYSTEM, books.jane.id, "test")
    frozen = verify_ledger(books.database)
    unfreeze_wallet(books.database, SYSTEM, books.jane.id, "test")  # the books are shared
    assert frozen == []
    assert verify_ledger(books.database) == []


@pytest.mark.parametrize(
    ("statement", "table", "key"),
    [
        (
            "UPDATE accounts SET balance = balance + 1 WHERE id = {jane}",
            "accounts",
            "account {jane}",
        ),
        (
            "UPDATE accounts SET version = version + 1 WHERE id = {john}",
            "accounts",
            "account {john}",
        ),
        (
            "UPDATE postings SET amount = amount + 1 WHERE transaction_id = {sent}"
            " AND account_id = {jane}",
            "postings",
            "transaction {sent}",
        ),
        # Still balanced, so only the audit row and the running balance tell.
        (
            "UPDATE postings SET amount = amount + 1 WHERE transaction_id = {sent}",
            "postings",
            "transaction {sent}",
        ),
        (
            "UPDATE postings SET direction = CASE direction WHEN 'D' THEN 'C' ELSE 'D' END"
            " WHERE transaction_id = {sent}",
            "postings",
            "transaction {sent}",
        ),
        (
            "UPDATE postings SET balance_after = balance_after + 1 WHERE transaction_id = {sent}"
            " AND account_id = {john}",
            "postings",
            "account {john}, transaction {sent}",
        ),
        (
            "UPDATE postings SET account_version = account_version + 1"
            " WHERE transaction_id = {sent} AND account_id = {john}",
            "postings",
            "account {john}, transaction {sent}",
        ),
        (
            "DELETE FROM postings WHERE transaction_id = {sent}",
            "transactions",
            "transaction {sent}",
        ),
        (
            "DELETE FROM postings WHERE transaction_id = {sent} AND account_id = {john}",
            "postings",
            "transaction {sent}",
        ),
        (
            "UPDATE transactions SET receipt = 'AAAAAAAAAA' WHERE id = {sent}",
            "transactions",
            "transaction {sent}",
        ),
        (
            "UPDATE transactions SET kind = 'deposit' WHERE id = {sent}",
            "transactions",
            "transaction",
        ),
        ("DELETE FROM transactions WHERE id = {sent}", "postings", "transaction {sent}"),
        (
            "UPDATE balance_checkpoints SET debits_less_credits = debits_less_credits + 1"
            " WHERE account_id = 1",
            "balance_checkpoints",
            "account 1 (CASH)",
        ),
        (
            "DELETE FROM balance_checkpoints WHERE account_id = 3",
            "balance_checkpoints",
            "account 3",
        ),
        ("DELETE FROM balance_deltas", "balance_checkpoints", "account 1 (CASH)"),
        ("UPDATE payments SET state = 'failed' WHERE id = {held}", "payments", "payment {held}"),
        ("UPDATE payments SET amount = amount + 1 WHERE id = {held}", "payments", "payment {held}"),
        ("UPDATE audit_log SET actor = 'user:1' WHERE id = 1", "audit_seals", "seal 1"),
        ("UPDATE audit_log SET at = at + interval '1 us' WHERE id = 1", "audit_seals", "seal 1"),
        ("DELETE FROM audit_log WHERE id = 2", "audit_seals", "seal 1"),
        (
            "INSERT INTO audit_log (actor, channel, action, subject_type)"
            " VALUES ('user:1', 'ussd', 'nothing', 'user')",
            "audit_log",
            "audit row",
        ),
        ("DELETE FROM audit_unsealed", "audit_log", "audit row"),
        ("INSERT INTO audit_unsealed VALUES (999999)", "audit_unsealed", "audit row 999999"),
        ("UPDATE audit_seals SET batch_hash = sha256('x') WHERE id = 1", "audit_seals", "seal 1"),
        ("UPDATE audit_seals SET seal_hash = sha256('x') WHERE id = 1", "audit_seals", "seal 1"),
        ("UPDATE audit_seals SET row_count = row_count + 1 WHERE id = 2", "audit_seals", "seal 2"),
        ("UPDATE audit_seals SET previous_hash = '' WHERE id = 2", "audit_seals", "seal 2"),
        ("DELETE FROM audit_seals WHERE id = 1", "audit_seals", "seal"),
    ],
)
def test_a_corrupted_row_is_named(books: Books, statement: str, table: str, key: str) -> None:
    wanted = key.format(
        jane=books.jane.wallet_account_id,
        john=books.john.wallet_account_id,
        sent=books.sent.transaction_id,
        held=books.held.id,
    )
    found = books.findings_after(statement)
    assert any(f.table == table and f.key.startswith(wanted) for f in found), found


def test_the_command_says_what_is_wrong_and_exits_1(
    books: Books, product_environment: dict[str, str], project_root: Path
) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ussd_app.cli", "verify", "--json"],
            cwd=project_root,
            env={**os.environ, **product_environment, "DATABASE_URL": books.owner_url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    right = run()
    assert (right.returncode, json.loads(right.stdout)) == (0, {"ok": True, "findings": []})
    raise_by = "UPDATE accounts SET balance = balance + {cents} WHERE id = {{jane}}"
    with psycopg.connect(books.owner_url, row_factory=dict_row) as connection:
        books.change(connection, raise_by.format(cents=1))
    wrong = run()
    with psycopg.connect(books.owner_url, row_factory=dict_row) as connection:
        books.change(connection, raise_by.format(cents=-1))
    answer = json.loads(wrong.stdout)
    assert (wrong.returncode, answer["ok"]) == (1, False)
    assert answer["findings"][0]["key"] == f"account {books.jane.wallet_account_id}"


def test_a_restore_into_a_new_cluster_goes_on_where_the_dump_ended(
    books: Books, settings: Settings, tmp_path: Path
) -> None:
    dump = tmp_path / "ledger.dump"
    binaries = postgres_binaries()
    # Row-level security is forced on the owner too, so a whole dump takes a superuser.
    _run([binaries / "pg_dump", "--format=custom", f"--file={dump}", _superuser(books.owner_url)])
    with Supervisor(tmp_path / "log") as supervisor:
        engine = postgres(tmp_path / "other", durable=False)
        supervisor.start(engine.program)
        superuser = _superuser(engine.url)
        with psycopg.connect(superuser, autocommit=True) as connection:
            for role in ("cycle_app", "cycle_auditor", "cycle_kernel"):
                connection.execute(f"CREATE ROLE {role} NOLOGIN")
                connection.execute(f"GRANT {role} TO cycle")
        _run([binaries / "pg_restore", "--exit-on-error", f"--dbname={superuser}", dump])
        restored = open_database(settings, engine.url)
        try:
            assert verify_ledger(restored) == []
            jane = books.jane
            assert isinstance(deposit(restored, jane, 1_000), Posted)
            fold_balances(restored)
            assert isinstance(deposit(restored, jane, 2_000), Posted)
            seal_audit(restored)
            assert verify_ledger(restored) == []
        finally:
            restored.close()


def _superuser(url: str) -> str:
    """The same database as its cluster's superuser; a borrowed server's login is one already."""
    return url.replace("//cycle:", "//postgres:", 1)


def _run(command: list[object]) -> None:
    finished = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=60, check=False
    )
    assert finished.returncode == 0, finished.stderr
