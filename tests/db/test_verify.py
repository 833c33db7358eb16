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
from tests.db.corrupted_balances import CORRUPTED_BALANCES
from tests.db.corrupted_transactions import CORRUPTED_TRANSACTIONS
from tests.db.corruption import Corruption
from tests.db.people import SYSTEM, deposit, new_user
from tests.quick_hashing import open_database
from tests.servers import Servers
from ussd_app.settings import Settings

CHANGEABLE = ("accounts", "transactions", "postings", "audit_log", "audit_seals")
FOREIGN_KEYS = (
    ("accounts", "accounts_user_fkey"),
    ("balance_checkpoints", "balance_checkpoints_account_fkey"),
)
CHECKS = [
    "transactions",
    "running balances",
    "system accounts",
    "users",
    "holds",
    "audit rows",
    "audit chain",
]
_IDS = """
    SELECT (SELECT id FROM audit_log WHERE subject_type = 'transaction' AND subject_id = %s)
            AS sent_audit,
        (SELECT hold_transaction_id FROM payments WHERE id = %s) AS hold,
        (SELECT min(id) FROM transactions) AS first,
        (SELECT min(audit_id) FROM audit_unsealed) AS unsealed,
        (SELECT transaction_id FROM postings WHERE account_id = %s
            ORDER BY account_version DESC LIMIT 1) AS last_of_john
"""


@dataclass
class Books:
    """A small ledger with some of everything: two people, a transfer, a hold, seals."""

    database: Database
    owner_url: str
    jane: User
    john: User
    sent: Posted
    held: Payment

    def named(self, text: str) -> str:
        """Put the ids of these books into a statement or a key."""
        with self.database.transaction(SYSTEM) as c:
            row = c.execute(
                _IDS, (self.sent.transaction_id, self.held.id, self.john.wallet_account_id)
            ).fetchone()
        assert row is not None
        return text.format(
            jane=self.jane.wallet_account_id,
            john=self.john.wallet_account_id,
            john_user=self.john.id,
            sent=self.sent.transaction_id,
            held=self.held.id,
            **row,
        )

    def change(
        self,
        connection: psycopg.Connection[DictRow],
        statement: str,
        *,
        without_foreign_keys: bool = False,
    ) -> None:
        """Change rows as the owner of the tables, with their triggers off."""
        statement = self.named(statement)  # before tables are locked
        for table in CHANGEABLE:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table, constraint in FOREIGN_KEYS if without_foreign_keys else ():
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
        changed = connection.execute(statement).rowcount
        assert changed > 0, "the corruption touched no row"

    def commit(self, statement: str) -> None:
        """Change rows as the owner of the tables, for good."""
        with psycopg.connect(self.owner_url, row_factory=dict_row) as connection:
            self.change(connection, statement)

    def findings_after(self, statement: str) -> list[Finding]:
        """Return what verify finds after a change, which is undone again."""
        with psycopg.connect(self.owner_url, row_factory=dict_row) as connection:
            self.change(connection, statement, without_foreign_keys=True)
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
    "wrong", [*CORRUPTED_TRANSACTIONS, *CORRUPTED_BALANCES], ids=lambda wrong: wrong.name
)
def test_a_corrupted_row_is_named(books: Books, wrong: Corruption) -> None:
    found = books.findings_after(wrong.statement)
    key, problem = books.named(wrong.key), books.named(wrong.problem)
    assert any(
        f.table == wrong.table and f.key == key and f.problem.startswith(problem) for f in found
    ), found


def test_a_clock_that_stepped_back_is_no_corruption(books: Books) -> None:
    # John's second posting as a clock writes it that was set back an hour after his first.
    back = (
        "UPDATE postings SET posted_at = posted_at - interval '1 hour' WHERE transaction_id ="
        " (SELECT transaction_id FROM postings WHERE account_id = {john} AND account_version = 2)"
    )
    assert books.findings_after(back) == []


def test_every_transaction_lies_in_a_chunk(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "CHUNK", 1)
    assert verify_ledger(books.database) == []
    with books.database.transaction(SYSTEM) as c:
        ids = [row["id"] for row in c.execute("SELECT id FROM transactions")]
    for number in ids:
        found = books.findings_after(f"UPDATE transactions SET kind = 'x' WHERE id = {number}")
        assert [f.key for f in found] == [f"transaction {number}"]


def test_progress_tells_of_every_check_from_beginning_to_end(books: Books) -> None:
    told: dict[str, list[tuple[int, int]]] = {}
    verify_ledger(books.database, lambda name, *chunks: told.setdefault(name, []).append(chunks))
    assert list(told) == CHECKS
    for chunks in told.values():
        total = chunks[0][1]
        assert total >= 1
        assert chunks == [(done, total) for done in range(total + 1)]


def test_what_is_written_meanwhile_is_not_seen(books: Books) -> None:
    # Honest writes before each check; and one that is wrong, which only the next run may name.
    add = "UPDATE accounts SET balance = balance + {cents} WHERE id = {{jane}}"
    reported: list[str] = []

    def write(name: str, done: int, total: int) -> None:
        if not reported:
            books.commit(add.format(cents=1))
        reported.append(name)
        deposit(books.database, books.john, 100)
        fold_balances(books.database)
        seal_audit(books.database)

    try:
        during = verify_ledger(books.database, write)
        after = verify_ledger(books.database)
    finally:
        books.commit(add.format(cents=-1))
        deposit(books.database, books.john, 100)  # so that an audit row waits, as before
    assert during == []
    assert set(reported) == set(CHECKS)
    assert [(f.table, f.key) for f in after] == [("accounts", books.named("account {jane}"))]
    assert verify_ledger(books.database) == []


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
    books.commit(raise_by.format(cents=1))
    wrong = run()
    books.commit(raise_by.format(cents=-1))
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
