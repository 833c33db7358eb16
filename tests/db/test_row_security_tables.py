"""Row-level security of every table: forced, and nothing shown to whom nothing belongs."""

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import scalar_row

from ledger.core.context import Context
from ledger.core.people import User
from ledger.db.engine import Connection, Database
from tests.db.people import SYSTEM, new_user

# Tables that the application reads without a context, and why each may be.
OPEN = {
    "account_codes": "the chart of accounts, the same for everybody",
    "alembic_version": "the number of the newest migration",
    "audit_log": "everybody's deeds by ids and amounts, without names; for staff's pages",
    "audit_seals": "hashes over the audit log",
    "audit_unsealed": "a queue of ids of the audit log",
    "balance_checkpoints": "totals of system accounts",
    "balance_deltas": "a queue of amounts on system accounts",
    "float_readings": "balances of the organisation's own M-Pesa accounts",
    "limit_rules": "limits, the same for everybody",
    "payout_pauses": "whether payouts stand still for all, and since which payment",
    "tariff_bands": "fees, the same for everybody",
}
# What the application's role can't read at all, with or without a context.
KERNEL_ONLY = {"outbox_intake"}

_TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND NOT relispartition ORDER BY relname
"""


def _tables(connection: psycopg.Connection[tuple[object, ...]] | Connection) -> list[str]:
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(_TABLES).fetchall()


def _put_row(owner: psycopg.Connection[tuple[object, ...]], table: str, user: User) -> None:
    """Write a row of a customer's that needs to make no sense: who sees it is the question."""
    name = sql.Identifier(table)
    found = owner.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass"
        " AND contype IN ('c', 'f', 'p') ORDER BY contype",
        (table,),
    ).fetchall()
    for (constraint,) in found:
        owner.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {} CASCADE").format(
                name, sql.Identifier(str(constraint))
            )
        )
    columns = owner.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND NOT attisdropped AND attidentity = '' AND attgenerated = ''",
        (table,),
    ).fetchall()
    names = [str(column) for (column,) in columns]
    for column in names:
        owner.execute(
            sql.SQL("ALTER TABLE {} ALTER {} DROP NOT NULL").format(name, sql.Identifier(column))
        )
    owner.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(name))
    owner.execute(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(name))
    if "user_id" in names:
        owner.execute(sql.SQL("INSERT INTO {} (user_id) VALUES (%s)").format(name), (user.id,))
    else:
        owner.execute(sql.SQL("INSERT INTO {} DEFAULT VALUES").format(name))


def _count(connection: Connection, table: str) -> int:
    with connection.cursor(row_factory=scalar_row) as cursor:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        count: int = cursor.execute(query).fetchone() or 0
    return count


def test_every_table_but_the_named_ones_has_its_row_security_forced(database: Database) -> None:
    with database.transaction(SYSTEM) as connection:
        bare = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)"
            " ORDER BY relname"
        ).fetchall()
        of_people = connection.execute(
            "SELECT DISTINCT relname FROM pg_class AS c"
            " JOIN pg_attribute AS a ON a.attrelid = c.oid"
            " WHERE relname = ANY (%s) AND attname IN ('user_id', 'msisdn') AND NOT attisdropped",
            ([*OPEN, *KERNEL_ONLY],),
        ).fetchall()
    assert {row["relname"] for row in bare} == OPEN.keys() | KERNEL_ONLY
    assert of_people == [], "what names a customer is no exception"


@pytest.fixture
def filled(fresh_database: Database, fresh_database_url: str) -> list[str]:
    """The protected tables, each with a row of a customer's."""
    jane = new_user(fresh_database, cents=5_000)
    with psycopg.connect(fresh_database_url, autocommit=True) as owner:
        protected = [t for t in _tables(owner) if t not in OPEN and t not in KERNEL_ONLY]
        with fresh_database.transaction(SYSTEM) as connection:
            empty = [table for table in protected if _count(connection, table) == 0]
        for table in empty:
            _put_row(owner, table, jane)
    return protected


def test_no_table_shows_a_row_without_a_context_or_to_a_stranger(
    fresh_database: Database, filled: list[str]
) -> None:
    assert {"accounts", "transactions", "postings", "payments", "users"} < set(filled)
    stranger = new_user(fresh_database)
    with fresh_database.transaction(Context.of_user(stranger.id, "ussd")) as connection:
        own = {"users": 1, "accounts": 1, "outbox": 1}
        seen = {table: _count(connection, table) for table in filled}
        assert {table: count for table, count in seen.items() if count} == own
    with fresh_database.connection() as connection:
        assert [table for table in filled if _count(connection, table)] == []
    with fresh_database.transaction(SYSTEM) as connection:
        unseen = [table for table in filled if not _count(connection, table)]
    assert unseen == [], "there was nothing to hide"
