"""History: keyset pages while money moves, filters, and the balance of any past instant."""

import itertools
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

import psycopg
import pytest

from ledger.commands.idempotency import reserve, settle
from ledger.commands.maintenance import MONTHS_AHEAD
from ledger.commands.transfers import transfer
from ledger.core.chart import Kind
from ledger.core.context import Context
from ledger.core.people import User
from ledger.core.plans import Posted
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import accounts, movements
from ledger.db.engine import Connection, Database
from ledger.db.movements import Filter, Movement
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


def _page(
    database: Database, user: User, last: Movement | None = None, wanted: Filter | None = None
) -> list[Movement]:
    with database.transaction(Context.of_user(user.id, "api")) as connection:
        return movements.page(
            connection,
            user.wallet_account_id,
            limit=10,
            cursor=None if last is None else (last.posted_at, last.transaction_id),
            wanted=wanted or movements.EVERYTHING,
        )


def test_pages_neither_repeat_nor_miss_a_row_while_new_ones_arrive(database: Database) -> None:
    # A18: 25 transactions by tens.
    user = new_customer(database, 0)
    made = [deposit(database, user, 100 + number) for number in range(25)]
    seen: list[Movement] = []
    while page := _page(database, user, seen[-1] if seen else None):
        seen += page
        assert isinstance(deposit(database, user, 7), Posted)
    assert [movement.receipt for movement in seen] == [
        posted.receipt for posted in reversed(made) if isinstance(posted, Posted)
    ]
    assert len(_page(database, user)) == 10


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


def _blocks_read(connection: Connection) -> int:
    row = connection.execute(
        "SELECT sum(pg_stat_get_xact_blocks_fetched(oid))::bigint AS blocks FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace"
    ).fetchone()
    assert row is not None
    return int(row["blocks"])


def test_a_page_reads_its_own_rows_only(fresh_database: Database, fresh_database_url: str) -> None:
    user = new_customer(fresh_database, 0)
    _long_wallet(fresh_database_url, user, 50_000)

    def read(wanted: Filter, cursor: movements.MovementCursor | None) -> int:
        with fresh_database.transaction(Context.of_user(user.id, "api")) as connection:
            before = _blocks_read(connection)
            found = movements.page(
                connection, user.wallet_account_id, limit=10, cursor=cursor, wanted=wanted
            )
            assert len(found) == 10
            return _blocks_read(connection) - before

    late = datetime.now(UTC) - timedelta(seconds=45)
    for wanted in (movements.EVERYTHING, Filter(kinds=("deposit",), status="completed")):
        first, later = read(wanted, None), read(wanted, (late, 0))
        # Ten rows and the way to them, on the first page through a year of months ahead.
        assert 0 < later <= first - MONTHS_AHEAD
        assert first <= 300


@pytest.mark.parametrize("limit", [0, -1, movements.PAGE_MAX + 1])
def test_a_page_has_bounds(database: Database, limit: int) -> None:
    with database.transaction(SYSTEM) as connection, pytest.raises(ValueError, match="a page"):
        movements.page(connection, 1000, limit=limit)


def test_filters_take_what_they_name_and_combine(database: Database) -> None:
    jane, john, mary = (new_customer(database, 100_000) for _ in range(3))
    to_john = _send(database, jane, john, 1_000)
    from_john = _send(database, john, jane, 2_000)
    to_mary = _send(database, jane, mary, 3_000)

    def receipts(**wanted: object) -> list[str]:
        found = _page(database, jane, None, Filter(**wanted))  # type: ignore[arg-type]
        return [movement.receipt for movement in found]

    tick = timedelta(microseconds=1)
    transfers = [sent.receipt for sent in (to_mary, from_john, to_john)]
    with_john = [from_john.receipt, to_john.receipt]
    assert receipts(kinds=(Kind.TRANSFER.value,)) == transfers
    assert len(receipts(kinds=(Kind.DEPOSIT.value,))) == 1
    assert receipts(kinds=()) == []
    assert receipts(counterparty=john.msisdn) == with_john
    assert receipts(counterparty=jane.msisdn) == []
    assert receipts(counterparty=john.msisdn, since=from_john.posted_at) == with_john[:1]
    assert receipts(counterparty=john.msisdn, before=from_john.posted_at) == with_john[1:]
    assert receipts(since=from_john.posted_at) == transfers[:2]
    assert receipts(before=from_john.posted_at, kinds=(Kind.TRANSFER.value,)) == with_john[1:]
    between = {"since": from_john.posted_at, "before": from_john.posted_at + tick}
    assert receipts(**between) == [from_john.receipt]
    assert receipts(since=datetime.now(UTC)) == []


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
    jane, john, other = (new_customer(database, cents) for cents in (5_000, 0, 0))
    _send(database, jane, john, 1_000)
    asked = "SELECT transactions_with(%s, %s, '-infinity', 'infinity')"
    between = (jane.wallet_account_id, john.msisdn)
    with database.transaction(Context.of_user(jane.id, "api")) as connection:
        assert len(connection.execute(asked, between).fetchall()) == 1
    with database.transaction(Context.of_user(other.id, "api")) as connection:
        assert movements.page(connection, jane.wallet_account_id, limit=10) == []
        assert connection.execute(asked, between).fetchall() == []
    with database.connection() as connection:
        assert connection.execute(asked, between).fetchall() == []


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
