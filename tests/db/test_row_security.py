"""Row-level security (A25): what a customer sees and writes, through the pool and after errors."""

from uuid import uuid4

import psycopg
import pytest

from ledger.commands.transfers import transfer
from ledger.core.context import Context
from ledger.core.plans import Posted
from ledger.db.engine import Database
from tests.db.people import SYSTEM, new_user
from ussd_app.settings import Settings

COUNTED = ("users", "accounts", "transactions", "postings", "outbox", "daily_usage")


def _counts(database: Database, context: Context) -> dict[str, int]:
    with database.transaction(context) as connection:
        connection.execute("SELECT fill_outbox()")
        found = {}
        for table in COUNTED:
            row = connection.execute(f"SELECT count(*) AS n FROM {table}").fetchone()
            assert row is not None
            found[table] = row["n"]
    return found


def test_a_customer_sees_own_rows_only(database: Database) -> None:
    jane, john, other = (new_user(database, cents=5_000) for _ in range(3))
    sent = transfer(
        database,
        Context.of_user(jane.id, "ussd"),
        jane.id,
        john.msisdn,
        1_000,
        source="ussd",
        reference=uuid4().hex,
    )
    assert isinstance(sent, Posted)
    assert _counts(database, Context.of_user(jane.id, "ussd")) == {
        "users": 1,
        "accounts": 1,
        "transactions": 2,
        "postings": 2,
        "outbox": 2,
        "daily_usage": 1,
    }
    with database.transaction(Context.of_user(john.id, "ussd")) as connection:
        legs = connection.execute(
            "SELECT account_id FROM postings WHERE transaction_id = %s", (sent.transaction_id,)
        ).fetchall()
    assert legs == [{"account_id": john.wallet_account_id}]
    with database.transaction(Context.of_user(other.id, "ussd")) as connection:
        assert (
            connection.execute(
                "SELECT id FROM transactions WHERE id = %s", (sent.transaction_id,)
            ).fetchall()
            == []
        )


def test_a_context_ends_with_its_transaction_even_after_an_error(settings: Settings) -> None:
    database = Database(
        settings.database_url.get_secret_value(),
        pin_pepper=settings.pin_pepper.get_secret_value(),
        pool_max=1,
    )
    database.open()
    try:
        user = new_user(database, cents=5_000)
        with pytest.raises(RuntimeError, match="stop"):
            _fail_inside(database, Context.of_user(user.id, "ussd"))
        with database.connection() as connection:
            assert connection.execute("SELECT * FROM accounts").fetchall() == []
            row = connection.execute(
                "SELECT current_setting('cycle.user_id', true) AS user_id,"
                " current_setting('cycle.actor', true) AS actor"
            ).fetchone()
        assert row is not None
        assert not row["user_id"]
        assert not row["actor"]
    finally:
        database.close()


def _fail_inside(database: Database, context: Context) -> None:
    with database.transaction(context) as connection:
        assert len(connection.execute("SELECT * FROM accounts").fetchall()) == 1
        raise RuntimeError("stop")


def test_a_customer_can_not_write_for_another(database: Database) -> None:
    jane, john = new_user(database), new_user(database)
    with database.transaction(Context.of_user(jane.id, "ussd")) as connection:
        changed = connection.execute(
            "UPDATE users SET language = 'sw' WHERE id = %s", (john.id,)
        ).rowcount
    assert changed == 0
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        database.transaction(Context.of_user(jane.id, "ussd")) as connection,
    ):
        connection.execute(
            "INSERT INTO outbox (user_id, channel, recipient, template, language)"
            " VALUES (%s, 'sms', %s, 'welcome', 'en')",
            (john.id, john.msisdn),
        )


def test_the_application_role_can_not_step_past_the_policies(database: Database) -> None:
    with database.transaction(SYSTEM) as connection:
        row = connection.execute(
            "SELECT current_user AS name, (SELECT rolbypassrls OR rolsuper FROM pg_roles"
            " WHERE rolname = current_user) AS free"
        ).fetchone()
    assert row == {"name": "cycle_app", "free": False}


def test_messages_on_their_way_into_the_outbox_are_the_kernels_alone(database: Database) -> None:
    with (
        database.transaction(SYSTEM) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT FROM outbox_intake")
