"""What stands in the way of whoever goes around the kernel, the owner of the tables included."""

from uuid import uuid4

import psycopg
import pytest

from ledger.core.plans import Posted
from ledger.db.engine import Database
from tests.db.people import SYSTEM, deposit, new_user
from tests.quick_hashing import open_database
from ussd_app.settings import Settings


def test_the_application_can_not_write_the_ledger_except_through_the_kernel(
    database: Database,
) -> None:
    user = new_user(database, cents=5_000)
    statements = [
        "INSERT INTO transactions (receipt, kind, source, reference, request_digest, actor,"
        " channel) VALUES ('ABCDEFGHJK', 'x', 'x', 'x', '', 'x', 'x')",
        "INSERT INTO postings VALUES (1, now(), 1, 1, NULL, NULL, 'D')",
        "UPDATE accounts SET balance = 1",
        "UPDATE postings SET amount = 1",
        "DELETE FROM postings",
        "TRUNCATE postings",
        "UPDATE transactions SET kind = 'x'",
        "DELETE FROM transactions",
        "TRUNCATE transactions CASCADE",
        "INSERT INTO audit_log (actor, channel, action, subject_type) VALUES ('x', 'x', 'x', 'x')",
        "UPDATE audit_log SET actor = 'x'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "UPDATE balance_checkpoints SET debits_less_credits = 0",
        "DELETE FROM balance_deltas",
        "DELETE FROM audit_unsealed",
        f"UPDATE accounts SET status = 'frozen' WHERE id = {user.wallet_account_id}",
    ]
    for statement in statements:
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            database.transaction(SYSTEM) as connection,
        ):
            connection.execute(statement)


def test_types_that_a_caller_makes_are_not_used_by_the_kernel(
    fresh_database_url: str, settings: Settings
) -> None:
    post = (
        "SELECT outcome FROM post_transaction('x', 'temp', %s, '', %s, 'x', 'x',"
        ' ARRAY[1, 3]::bigint[], ARRAY[5, -5]::bigint[], p_messages => \'[{"channel": "sms",'
        ' "recipient": "+254700000000", "template": "x", "language": "en",'
        ' "params": {}}]\')'
    )
    # A session of its own: PL/pgSQL looks a type up when a session first calls the function.
    newcomer = open_database(settings, fresh_database_url)
    with newcomer.transaction(SYSTEM) as connection:
        connection.execute(
            "CREATE FUNCTION pg_temp.run(pg_catalog.text) RETURNS boolean LANGUAGE plpgsql"
            " AS $$ BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$"
        )
        for name in ("text", "jsonb", "bytea", "date", "timestamptz"):
            connection.execute(
                f"CREATE DOMAIN pg_temp.{name} AS pg_catalog.{name} CHECK (pg_temp.run(''))"
            )
        key = uuid4().hex
        for outcome in ("posted", "replayed"):
            row = connection.execute(post.encode(), (key, "ABCDEFGHJK")).fetchone()
            assert row == {"outcome": outcome}
        for call in (
            "fill_outbox()",
            "fold_balance_deltas()",
            "seal_audit()",
            "find_parties('{1}', '{}')",
            "posted_under('x', 'x', '')",
            "set_account_status(1000, 'active')",
            "record_audit('x', 'x', 1, NULL, NULL)",
            "create_posting_partitions(current_date, current_date)",
        ):
            connection.execute(f"SELECT {call}".encode())
        connection.execute(
            "SELECT call FROM post_transactions('{x}', '{temp}', '{g}', '{\\x}', '{ABCDEFGHJM}',"
            " '{x}', '{x}', '{\"{}\"}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}',"
            " '{1,1}', '{1,3}', '{5,-5}', '{NULL,NULL}')"
        )
    newcomer.close()


@pytest.mark.parametrize("table", ["transactions", "postings", "audit_log", "audit_seals"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_even_the_owner_is_refused_by_a_trigger(
    database_owner_url: str, table: str, statement: str
) -> None:
    column = {"transactions": "kind", "postings": "amount", "audit_log": "actor"}.get(table, "id")
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"),
        psycopg.connect(database_owner_url) as connection,
    ):
        connection.execute(statement.format(table, column, column))


@pytest.mark.parametrize("target", ["postings", "partition"])
@pytest.mark.parametrize(
    "rows",
    [
        [(1, "D", 100), (2, "C", 99)],
        [(1, "D", 100)],
        [(1, "D", 100), (2, "D", 100)],
    ],
)
def test_postings_that_do_not_sum_to_zero_are_refused_whoever_writes_them(
    database_owner_url: str, target: str, rows: list[tuple[int, str, int]]
) -> None:
    with psycopg.connect(database_owner_url) as connection:
        table = target
        if target == "partition":
            found = connection.execute(
                "SELECT 'postings_' || to_char(now() + interval '3 hours', 'YYYY_MM')"
            ).fetchone()
            assert found is not None
            table = str(found[0])
        inserted = connection.execute(
            "INSERT INTO transactions (receipt, kind, source, reference, request_digest, actor,"
            " channel) VALUES ('ABCDEFGHJK', 'x', 'owner', %s, '', 'x', 'x') RETURNING id",
            (uuid4().hex,),
        ).fetchone()
        assert inserted is not None
        values = ", ".join(f"({a}, now(), {inserted[0]}, {n}, '{d}')" for a, d, n in rows)
        # A partition by itself admits nobody; the whole table judges the statement.
        with pytest.raises(
            psycopg.errors.CheckViolation
            if target == "postings"
            else psycopg.errors.InsufficientPrivilege
        ):
            connection.execute(
                f"INSERT INTO {table} (account_id, posted_at, transaction_id, amount, direction)"
                f" VALUES {values}"
            )


@pytest.mark.parametrize(
    ("rows", "is_refused"),
    [
        ([(0, 1, "D", 5), (0, 2, "C", 5), (1, 1, "D", 7), (1, 2, "C", 7)], False),
        ([(0, 1, "D", 5), (0, 2, "C", 5), (1, 1, "D", 7), (1, 2, "C", 6)], True),
        ([(0, 1, "D", 5), (0, 2, "C", 6), (1, 1, "D", 7), (1, 2, "C", 7)], True),
        ([(0, 1, "D", 5), (0, 2, "C", 12), (1, 1, "D", 7)], True),
        ([(0, 1, "D", 5), (1, 1, "D", 7), (0, 2, "C", 5), (1, 2, "C", 7)], True),
    ],
)
def test_each_transaction_of_a_statement_is_judged_by_itself(
    database_owner_url: str, rows: list[tuple[int, int, str, int]], is_refused: bool
) -> None:
    with psycopg.connect(database_owner_url) as connection:
        ids = [
            row[0]
            for receipt in ("ABCDEFGHJK", "ABCDEFGHJM")
            for row in connection.execute(
                "INSERT INTO transactions (receipt, kind, source, reference, request_digest, actor,"
                " channel) VALUES (%s, 'x', 'owner', %s, '', 'x', 'x') RETURNING id",
                (receipt, uuid4().hex),
            )
        ]
        values = ", ".join(
            f"({account}, now(), {ids[place]}, {cents}, '{direction}')"
            for place, account, direction, cents in rows
        )
        statement = (
            "INSERT INTO postings (account_id, posted_at, transaction_id, amount, direction)"
            f" VALUES {values}"
        )
        if is_refused:
            with pytest.raises(psycopg.errors.CheckViolation, match="do not balance"):
                connection.execute(statement.encode())
        else:
            assert connection.execute(statement.encode()).rowcount == 4
        connection.rollback()


def test_nothing_is_added_to_a_transaction_of_an_earlier_moment(
    database: Database, database_owner_url: str
) -> None:
    posted = deposit(database, new_user(database), 5_000)
    assert isinstance(posted, Posted)
    with (
        psycopg.connect(database_owner_url) as connection,
        pytest.raises(psycopg.errors.CheckViolation, match="too late"),
    ):
        connection.execute(
            "INSERT INTO postings (account_id, posted_at, transaction_id, amount, direction)"
            " VALUES (1, now(), %(id)s, 5, 'D'), (3, now(), %(id)s, 5, 'C')",
            {"id": posted.transaction_id},
        )


def test_a_transaction_reverses_only_one_that_exists(database_owner_url: str) -> None:
    with (
        psycopg.connect(database_owner_url) as connection,
        pytest.raises(psycopg.errors.ForeignKeyViolation, match="does not exist"),
    ):
        connection.execute(
            "INSERT INTO transactions (receipt, kind, source, reference, request_digest, actor,"
            " channel, reverses_id) VALUES ('ABCDEFGHJK', 'x', 'owner', 'x', '', 'x', 'x', 0)"
        )


@pytest.mark.parametrize("amount", [0, -1, 10**14 + 1])
def test_a_posting_outside_the_bounds_is_refused(database_owner_url: str, amount: int) -> None:
    with (
        psycopg.connect(database_owner_url) as connection,
        pytest.raises(psycopg.errors.CheckViolation) as caught,
    ):
        connection.execute(
            "INSERT INTO postings (account_id, posted_at, transaction_id, amount, direction)"
            " VALUES (1, now(), 1, %s, 'D')",
            (amount,),
        )
    assert caught.value.diag.constraint_name == "postings_amount_bounded"


@pytest.mark.parametrize(
    ("account_id", "direction", "balance_after", "version"),
    [
        (1, "X", None, None),
        (1, "D", 5, 1),
        (1000, "D", None, None),
        (1000, "D", 5, None),
    ],
)
def test_a_posting_of_a_wrong_shape_is_refused(
    database_owner_url: str,
    account_id: int,
    direction: str,
    balance_after: int | None,
    version: int | None,
) -> None:
    with (
        psycopg.connect(database_owner_url) as connection,
        pytest.raises(psycopg.errors.CheckViolation) as caught,
    ):
        connection.execute(
            "INSERT INTO postings (account_id, posted_at, transaction_id, amount, direction,"
            " balance_after, account_version) VALUES (%s, now(), 1, 5, %s, %s, %s)",
            (account_id, direction, balance_after, version),
        )
    assert caught.value.diag.constraint_name == "postings_shape_sound"


@pytest.mark.parametrize(
    "change",
    [
        "balance = -1",
        "balance = floor_cents - 1",
        "status = 'sleeping'",
        "status = 'closed'",
        "code = 'CASH'",
        "user_id = NULL",
    ],
)
def test_a_wallet_can_not_take_a_wrong_shape(
    database: Database, database_owner_url: str, change: str
) -> None:
    user = new_user(database, cents=100)
    with (
        psycopg.connect(database_owner_url) as connection,
        pytest.raises(psycopg.errors.IntegrityError),
    ):
        connection.execute(f"UPDATE accounts SET {change} WHERE id = %s", (user.wallet_account_id,))
