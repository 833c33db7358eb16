"""The posting kernel: what it writes, what it refuses, and what nobody can get past it."""

from datetime import date
from typing import Any, cast
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from ledger.commands.maintenance import MONTHS_AHEAD, create_partitions, fold_balances
from ledger.core.chart import Kind, SystemAccount
from ledger.core.plans import Message, Plan, Posted, Usage, moving
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import accounts, kernel, maintenance
from ledger.db.engine import Connection, Database
from tests.db.people import SYSTEM, deposit, deposit_plan, new_user, post


def _balance(database: Database, account_id: int) -> int:
    with database.transaction(SYSTEM) as connection:
        row = connection.execute(
            "SELECT balance FROM accounts WHERE id = %s", (account_id,)
        ).fetchone()
    assert row is not None
    return int(row["balance"])


def _cash(database: Database) -> int:
    with database.transaction(SYSTEM) as connection:
        return accounts.system_balances(connection)[SystemAccount.CASH]


def test_a_deposit_writes_all_that_belongs_to_it_in_one_go(database: Database) -> None:
    user = new_user(database)
    before = _cash(database)
    message = Message(
        user.id, user.msisdn, "en", "deposit_received", {"amount": 5_000}, user.wallet_account_id
    )
    posted = post(database, deposit_plan(user.wallet_account_id, 5_000, messages=(message,)))
    assert isinstance(posted, Posted)
    assert posted.balances == {user.wallet_account_id: 5_000}
    assert _cash(database) == before + 5_000
    with database.transaction(SYSTEM) as connection:
        key = {"id": posted.transaction_id}
        postings = connection.execute(
            "SELECT account_id, direction, amount, balance_after, account_version FROM postings"
            " WHERE transaction_id = %(id)s ORDER BY account_id",
            key,
        ).fetchall()
        connection.execute("SELECT fill_outbox()")
        outbox = connection.execute(
            "SELECT params FROM outbox WHERE transaction_id = %(id)s", key
        ).fetchall()
        audit = connection.execute(
            "SELECT actor, channel FROM audit_log WHERE subject_type = 'transaction'"
            " AND subject_id = %(id)s",
            key,
        ).fetchall()
    assert [tuple(row.values()) for row in postings] == [
        (SystemAccount.CASH, "D", 5_000, None, None),
        (user.wallet_account_id, "C", 5_000, 5_000, 1),
    ]
    assert outbox[0]["params"]["receipt"] == posted.receipt
    assert outbox[0]["params"]["balance"] == 5_000
    assert audit == [{"actor": "system:test", "channel": "system"}]


def test_the_same_key_and_request_give_the_first_answer_again(database: Database) -> None:
    user = new_user(database)
    plan = deposit_plan(user.wallet_account_id, 5_000)
    first, second = post(database, plan), post(database, plan)
    assert isinstance(first, Posted)
    assert isinstance(second, Posted)
    assert (first.replayed, second.replayed) == (False, True)
    assert (second.receipt, second.balances, second.posted_at) == (
        first.receipt,
        first.balances,
        first.posted_at,
    )
    assert _balance(database, user.wallet_account_id) == 5_000


def test_a_used_key_with_another_request_names_what_differs(database: Database) -> None:
    user = new_user(database)
    plan = deposit_plan(user.wallet_account_id, 5_000)
    post(database, plan)
    other = deposit_plan(user.wallet_account_id, 6_000, reference=plan.reference)
    assert post(database, other) == Refusal(RefusalCode.KEY_REUSED, {"field": "amount"})
    renamed = deposit_plan(
        user.wallet_account_id, 5_000, reference=plan.reference, kind=Kind.SUSPENSE
    )
    assert post(database, renamed) == Refusal(RefusalCode.KEY_REUSED, {"field": "kind"})


def test_the_kernel_knows_the_system_accounts_of_the_chart(database: Database) -> None:
    with database.transaction(SYSTEM) as connection:
        rows = connection.execute("SELECT id FROM accounts WHERE id < 1000").fetchall()
    assert {row["id"] for row in rows} == set(SystemAccount) == set(range(1, 7))
    user = new_user(database)
    for account in SystemAccount:
        paid = deposit(
            database, user, 100, debits=moving(100, debit=account, credit=user.wallet_account_id)
        )
        assert isinstance(paid, Posted)


@pytest.mark.parametrize("account_id", [7, 999])
def test_money_can_not_go_to_a_system_account_that_is_none(
    database: Database, account_id: int
) -> None:
    user = new_user(database, cents=5_000)
    plan = _transfer(user.wallet_account_id, account_id, 1_000)
    refused = Refusal(RefusalCode.ACCOUNT_UNKNOWN, {"account_id": account_id, "balance": None})
    assert post(database, plan) == refused
    with pytest.raises(psycopg.errors.NotNullViolation):
        database.call(lambda connection: kernel.post_group(connection, [(SYSTEM, plan)]))
    assert _balance(database, user.wallet_account_id) == 5_000


@pytest.mark.parametrize(
    ("account_ids", "debits"),
    [
        ("{1}", "{100}"),
        ("{1,2}", "{100}"),
        ("{1,2}", "{100,-50,-50}"),
        ("{2,1}", "{100,-100}"),
        ("{1,1}", "{100,-100}"),
        ("{-5,1}", "{100,-100}"),
        ("{1,NULL}", "{100,-100}"),
        ("{1,1000}", "{100,NULL}"),
    ],
)
def test_arrays_that_are_no_postings_are_an_error_at_once(
    database: Database, account_ids: str, debits: str
) -> None:
    with (
        pytest.raises(psycopg.errors.DataException),
        database.transaction(SYSTEM) as connection,
    ):
        connection.execute(
            "SELECT outcome FROM post_transaction('x', 'x', %s, '', 'ABCDEFGHJK', 'x', 'x',"
            " %s::bigint[], %s::bigint[])",
            (uuid4().hex, account_ids, debits),
        )


def test_a_replay_is_answered_even_when_the_money_is_spent_since(database: Database) -> None:
    payer, payee = new_user(database, cents=5_000), new_user(database)
    plan = Plan(
        kind=Kind.TRANSFER,
        source="test",
        reference=uuid4().hex,
        debits=moving(5_000, debit=payer.wallet_account_id, credit=payee.wallet_account_id),
        request={"amount": 5_000},
    )
    assert isinstance(post(database, plan), Posted)
    again = post(database, plan)
    assert isinstance(again, Posted)
    assert again.replayed


def _transfer(payer: int, payee: int, cents: int, **changes: object) -> Plan:
    values: dict[str, object] = {
        "kind": Kind.TRANSFER,
        "source": "test",
        "reference": uuid4().hex,
        "debits": moving(cents, debit=payer, credit=payee),
        "request": {"amount": cents},
        **changes,
    }
    return Plan(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("payer_status", "payee_status", "cents", "ceiling", "code"),
    [
        ("frozen", "active", 100, None, RefusalCode.ACCOUNT_FROZEN),
        ("active", "frozen", 100, None, RefusalCode.ACCOUNT_FROZEN),
        ("active", "closed", 100, None, RefusalCode.ACCOUNT_CLOSED),
        ("active", "active", 5_001, None, RefusalCode.INSUFFICIENT_FUNDS),
        ("active", "active", 5_000, 4_999, RefusalCode.WALLET_FULL),
        # Where several hold, the one first in order of precedence is given.
        ("active", "frozen", 9_999, 1, RefusalCode.ACCOUNT_FROZEN),
        ("active", "closed", 9_999, 1, RefusalCode.ACCOUNT_CLOSED),
        ("active", "active", 9_999, 1, RefusalCode.INSUFFICIENT_FUNDS),
    ],
)
def test_a_refusal_leaves_nothing_behind(
    database: Database,
    payer_status: str,
    payee_status: str,
    cents: int,
    ceiling: int | None,
    code: RefusalCode,
) -> None:
    payer, payee = new_user(database, cents=5_000), new_user(database)
    with database.transaction(SYSTEM) as connection:
        accounts.set_status(connection, payer.wallet_account_id, payer_status)
        accounts.set_status(connection, payee.wallet_account_id, payee_status)
    plan = _transfer(
        payer.wallet_account_id,
        payee.wallet_account_id,
        cents,
        ceilings={} if ceiling is None else {payee.wallet_account_id: ceiling},
    )
    refusal = post(database, plan)
    assert isinstance(refusal, Refusal)
    assert refusal.code is code
    assert _balance(database, payer.wallet_account_id) == 5_000
    with database.transaction(SYSTEM) as connection:
        found = connection.execute(
            "SELECT id FROM transactions WHERE reference = %s", (plan.reference,)
        ).fetchall()
    assert found == []


def test_an_account_that_does_not_exist_is_refused(database: Database) -> None:
    payer = new_user(database, cents=5_000)
    refusal = post(database, _transfer(payer.wallet_account_id, 10**15, 100))
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.ACCOUNT_UNKNOWN


def test_usage_counts_up_to_the_daily_limit_and_can_be_given_back(database: Database) -> None:
    payer, payee = new_user(database, cents=50_000), new_user(database)

    def send(cents: int, day: date = date(2026, 11, 23)) -> Posted | Refusal:
        usage = Usage(payer.wallet_account_id, "transfer", day, cents, 15_000)
        return post(
            database,
            _transfer(payer.wallet_account_id, payee.wallet_account_id, abs(cents), usage=usage),
        )

    assert isinstance(send(10_000), Posted)
    assert send(5_001) == Refusal(RefusalCode.DAILY_LIMIT, {"left": 5_000})
    assert isinstance(send(5_000), Posted)
    assert send(1) == Refusal(RefusalCode.DAILY_LIMIT, {"left": 0})
    assert isinstance(send(15_000, date(2026, 11, 24)), Posted)
    assert isinstance(send(-5_000), Posted)
    assert isinstance(send(5_000), Posted)


def test_a_reversal_happens_at_most_once_and_never_to_a_reversal(database: Database) -> None:
    user = new_user(database)
    original = deposit(database, user, 5_000)
    assert isinstance(original, Posted)

    def mirror(reverses_id: int, cents: int) -> Posted | Refusal:
        debits = moving(cents, debit=user.wallet_account_id, credit=SystemAccount.CASH)
        plan = deposit_plan(
            user.wallet_account_id, 1, kind=Kind.REVERSAL, debits=debits, reverses_id=reverses_id
        )
        return post(database, plan)

    reversal = mirror(original.transaction_id, 2_000)
    assert isinstance(reversal, Posted)
    assert mirror(original.transaction_id, 2_000) == Refusal(RefusalCode.ALREADY_REVERSED)
    assert mirror(reversal.transaction_id, 1_000) == Refusal(RefusalCode.REVERSAL_OF_REVERSAL)
    assert _balance(database, user.wallet_account_id) == 3_000


# Hot accounts -------------------------------------------------------------------------------


def test_the_float_is_exact_before_during_and_after_a_fold(fresh_database: Database) -> None:
    user = new_user(fresh_database)
    for cents in (100, 200, 300):
        deposit(fresh_database, user, cents)
    assert _cash(fresh_database) == 600
    with fresh_database.transaction(SYSTEM) as folding:
        assert maintenance.fold_balance_deltas(folding) == 3
        assert _cash(fresh_database) == 600
        deposit(fresh_database, user, 400)
        assert _cash(fresh_database) == 1_000
    assert _cash(fresh_database) == 1_000
    assert (fold_balances(fresh_database), fold_balances(fresh_database)) == (1, 0)
    assert _cash(fresh_database) == 1_000


class _FoldsMeanwhile:
    """A connection beside which a fold commits after each statement."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self._database = database
        self._connection = connection
        self.folded = 0

    def execute(self, *arguments: Any) -> Any:
        answer = self._connection.execute(*arguments)
        self.folded += fold_balances(self._database)
        return answer


def test_a_fold_between_two_statements_takes_nothing_out_of_a_balance(
    fresh_database: Database,
) -> None:
    user = new_user(fresh_database)
    deposit(fresh_database, user, 100)
    assert fold_balances(fresh_database) == 1
    deposit(fresh_database, user, 200)
    with fresh_database.transaction(SYSTEM) as connection:
        watched = _FoldsMeanwhile(fresh_database, connection)
        balances = accounts.system_balances(cast("Connection", watched))
    assert watched.folded == 1
    assert balances[SystemAccount.CASH] == 300


def test_a_fold_misses_no_posting_that_commits_late_where_a_watermark_would(
    fresh_database: Database,
) -> None:
    early, late = new_user(fresh_database), new_user(fresh_database)
    watermark = "SELECT coalesce(max(id), 0) AS id FROM transactions"
    with fresh_database.transaction(SYSTEM) as slow:
        kernel.post(slow, SYSTEM, deposit_plan(early.wallet_account_id, 100))
        deposit(fresh_database, late, 10)
        with fresh_database.transaction(SYSTEM) as connection:
            row = connection.execute(watermark).fetchone()
            assert row is not None
            folded_up_to = row["id"]
        assert fold_balances(fresh_database) == 1
    with fresh_database.transaction(SYSTEM) as connection:
        missed = connection.execute(
            "SELECT sum(amount)::bigint AS cents FROM postings WHERE account_id = 1"
            " AND transaction_id > %s",
            (folded_up_to,),
        ).fetchone()
    assert missed == {"cents": None}, "the watermark stands past a row it never added"
    assert fold_balances(fresh_database) == 1
    assert _cash(fresh_database) == 110


_PARTITIONS = """
    SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds, c.relrowsecurity,
        c.relforcerowsecurity,
        (SELECT array_agg(tgname || ' ' || tgfoid::regproc || ' ' || tgtype || tgenabled::text
            ORDER BY tgname) FROM pg_trigger WHERE tgrelid = c.oid) AS triggers,
        (SELECT count(*) FROM pg_index WHERE indrelid = c.oid AND indisvalid) AS indexes
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'postings'::regclass ORDER BY c.relname
"""


def test_a_month_that_is_missing_is_made_like_the_others(
    fresh_database: Database, fresh_database_url: str
) -> None:
    with psycopg.connect(fresh_database_url, autocommit=True, row_factory=dict_row) as owner:
        before = owner.execute(_PARTITIONS).fetchall()
        assert len(before) > MONTHS_AHEAD
        owner.execute(f"DROP TABLE {before[-1]['name']}")  # type: ignore[arg-type]
        assert create_partitions(fresh_database) == 1
        after = owner.execute(_PARTITIONS).fetchall()
    assert after == before
    alike = [{**row, "name": "", "bounds": ""} for row in after]
    assert alike == [alike[0]] * len(alike)
    assert {"append_only", "postings_sum_to_zero"} == {
        trigger.split()[0] for trigger in alike[0]["triggers"]
    }
    assert alike[0]["relrowsecurity"]
    assert alike[0]["relforcerowsecurity"]
    assert create_partitions(fresh_database) == 0


def test_a_transaction_without_postings_is_refused(database: Database) -> None:
    call = (
        "SELECT outcome FROM post_transaction('deposit', 'test', %s, '\\x00', 'ABCDEFGHJK',"
        " 'system', 'test', '{}', '{}')"
    )
    with (
        pytest.raises(psycopg.DataError, match="two postings or more"),
        database.connection() as connection,
    ):
        connection.execute(call, (uuid4().hex,))
