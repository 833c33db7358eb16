"""History: keyset pages while money moves, filters, and the balance of any past instant."""

import itertools
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

import psycopg
import pytest

from ledger.commands.idempotency import reserve, settle
from ledger.commands.transfers import transfer
from ledger.core.chart import Kind
from ledger.core.context import Context
from ledger.core.people import User
from ledger.core.plans import Posted
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import accounts, history, movements
from ledger.db.engine import Database
from ledger.db.history import Entry, HistoryFilter
from ledger.queries.wallets import recent_entries
from tests.db.people import SYSTEM, deposit
from tests.db.scene import new_customer


def _send(database: Database, sender: User, recipient: User, cents: int) -> Posted:
    sent = transfer(
        database,
        Context.of_user(sender.id, "ussd"),
        sender.id,
        recipient.msisdn,
        cents,
        source="test",
        reference=uuid4().hex,
    )
    assert isinstance(sent, Posted)
    return sent


def _page(database: Database, user: User, last: Entry | None, **wanted: object) -> list[Entry]:
    return recent_entries(
        database,
        Context.of_user(user.id, "ussd"),
        user.id,
        limit=10,
        before=None if last is None else (last.posted_at, last.transaction_id),
        wanted=HistoryFilter(**wanted),  # type: ignore[arg-type]
    )


def test_pages_neither_repeat_nor_miss_a_row_while_new_ones_arrive(database: Database) -> None:
    # A18: 25 transactions by tens.
    user = new_customer(database, 0)
    made = [deposit(database, user, 100 + number) for number in range(25)]
    seen: list[Entry] = []
    while page := _page(database, user, seen[-1] if seen else None):
        seen += page
        assert isinstance(deposit(database, user, 7), Posted)
    assert [entry.receipt for entry in seen] == [
        posted.receipt for posted in reversed(made) if isinstance(posted, Posted)
    ]
    assert len(_page(database, user, None)) == 10


def _long_wallet(owner_url: str, user: User, rows: int) -> None:
    """Write movements straight into the tables: reading is what is tested."""
    with psycopg.connect(owner_url, autocommit=True) as owner:
        for table in ("transactions", "postings"):
            owner.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")  # type: ignore[arg-type]
        owner.execute("ALTER TABLE postings DISABLE TRIGGER postings_sum_to_zero")
        owner.execute(
            "INSERT INTO transactions (id, receipt, kind, source, reference, request_digest,"
            " actor, channel) OVERRIDING SYSTEM VALUE SELECT 1000000 + i, lpad(i::text, 10, 'X'),"
            " 'deposit', 'test', 'long:' || i, '\\x00', 'system:test', 'test'"
            " FROM generate_series(1, %s) AS i",
            (rows,),
        )
        owner.execute(
            "INSERT INTO postings (account_id, posted_at, transaction_id, amount, balance_after,"
            " account_version, direction) SELECT %s, now() - i * interval '1 millisecond',"
            " 1000000 + i, 100, 0, i, 'C' FROM generate_series(1, %s) AS i",
            (user.wallet_account_id, rows),
        )
        owner.execute("VACUUM ANALYZE postings")
        owner.execute("VACUUM ANALYZE transactions")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (history._PAGE, ("before_time", "before_id", "until")),
        (movements._PAGE, ("cursor_time", "cursor_id", "before")),
    ],
    ids=["ussd", "api"],
)
def test_a_late_page_reads_its_own_rows_only(
    fresh_database: Database, fresh_database_url: str, query: str, names: tuple[str, str, str]
) -> None:
    user = new_customer(fresh_database, 0)
    _long_wallet(fresh_database_url, user, 20_000)
    anything = dict.fromkeys(("kinds", "counterparty", "status"))
    late = (datetime.now(UTC) - timedelta(seconds=18), 0, "infinity")
    values = {**anything, **dict(zip(names, late, strict=True)), "since": "-infinity", "limit": 10}
    values["account_id"] = user.wallet_account_id
    with fresh_database.transaction(SYSTEM) as connection:
        explained = connection.execute(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}".encode(), values
        ).fetchone()
    assert explained is not None
    plan = explained["QUERY PLAN"][0]["Plan"]
    assert plan["Actual Rows"] == 10
    # Ten rows and the way to them; the index over the 18,000 newer ones fills some 80 blocks.
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= 60


@pytest.mark.parametrize("limit", [0, -1, history.PAGE_MAX + 1])
def test_a_page_has_bounds(database: Database, limit: int) -> None:
    with database.transaction(SYSTEM) as connection, pytest.raises(ValueError, match="a page"):
        history.page(connection, 1000, limit=limit)


def test_filters_take_what_they_name_and_combine(database: Database) -> None:
    jane, john, mary = (new_customer(database, 100_000) for _ in range(3))
    to_john = _send(database, jane, john, 1_000)
    from_john = _send(database, john, jane, 2_000)
    to_mary = _send(database, jane, mary, 3_000)
    johns = f"0{john.msisdn[4:7]}***{john.msisdn[-3:]}"

    def receipts(**wanted: object) -> list[str]:
        return [entry.receipt for entry in _page(database, jane, None, **wanted)]

    transfers = [sent.receipt for sent in (to_mary, from_john, to_john)]
    assert receipts(kinds=(Kind.TRANSFER.value,)) == transfers
    assert len(receipts(kinds=(Kind.DEPOSIT.value,))) == 1
    with_john = [from_john.receipt, to_john.receipt]
    marys = f"0{mary.msisdn[4:7]}***{mary.msisdn[-3:]}"
    if johns != marys:
        assert receipts(counterparty_masked=johns) == with_john
    assert receipts(since=from_john.posted_at) == transfers[:2]
    assert receipts(until=from_john.posted_at, kinds=(Kind.TRANSFER.value,)) == with_john
    between = {"since": from_john.posted_at, "until": from_john.posted_at}
    assert receipts(**between) == [from_john.receipt]
    assert receipts(since=datetime.now(UTC)) == []
    assert receipts(kinds=()) == []


def test_the_balance_of_any_instant_is_that_after_the_posting_before_it(
    database: Database,
) -> None:
    jane, john = new_customer(database, 50_000), new_customer(database, 50_000)
    random = Random(3)
    made = [
        _send(database, *random.sample([jane, john], 2), random.randint(1, 3_000))
        for _ in range(20)
    ]
    tick = timedelta(microseconds=1)

    def balance(moment: datetime) -> int:
        with database.transaction(SYSTEM) as connection:
            return accounts.wallet_balance_at(connection, jane.wallet_account_id, moment)

    opening = balance(made[0].posted_at - tick)
    assert opening == 50_000
    for before, after in itertools.pairwise(made):
        expected = before.balances[jane.wallet_account_id]
        assert balance(before.posted_at) == expected
        assert balance(after.posted_at - tick) == expected
    assert balance(datetime.now(UTC)) == made[-1].balances[jane.wallet_account_id]
    assert balance(jane.created_at - timedelta(days=400)) == 0


def test_a_stranger_reads_nothing(database: Database) -> None:
    jane, other = new_customer(database, 5_000), new_customer(database, 0)
    foreign = Context.of_user(other.id, "ussd")
    assert recent_entries(database, foreign, jane.id) == []
    with database.transaction(foreign) as connection:
        assert history.page(connection, jane.wallet_account_id, limit=10) == []


def test_the_same_key_of_another_customer_is_another_request(database: Database) -> None:
    # A16: the same key and body gives the first answer, another body is refused.
    jane, john = new_customer(database, 0), new_customer(database, 0)
    key = uuid4().hex
    contexts = [Context.of_user(user.id, "api") for user in (jane, john)]
    for number, context in enumerate(contexts):
        assert not isinstance(reserve(database, context, key, b"body"), Refusal)
        assert settle(database, context, key, 201, {"n": number}) == (201, {"n": number})
    for number, context in enumerate(contexts):
        assert settle(database, context, key, 500, {"n": 9}) == (201, {"n": number})
        again = reserve(database, context, key, b"body")
        assert not isinstance(again, Refusal)
        assert again.response == {"n": number}
        other = reserve(database, context, key, b"other body")
        assert other == Refusal(RefusalCode.KEY_REUSED, {"field": "body"})
