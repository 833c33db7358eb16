"""Acceptance scenarios of the phone over HTTP: A01, A13, A15, A26 and A30.

Their halves over the API are in test_api_access and test_api_wallet, A21 is in
test_statement_acceptance, A22 in tests/e2e/test_receipts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg import sql

from ledger.core.people import User
from ledger.db.engine import Database
from ledger.queries import users, wallets
from tests.db.people import PIN, SYSTEM, new_user
from tests.msisdns import new_msisdn
from tests.web.test_ussd import Phone
from ussd_app.settings import Settings

JOIN = ("1", "1", "Asha", "Mwangi", PIN, PIN)


def rows_of(database: Database, query: str, *values: object) -> list[dict[str, Any]]:
    with database.transaction(SYSTEM) as connection:
        connection.execute("SELECT fill_outbox()")
        return connection.execute(query, values).fetchall()  # type: ignore[arg-type]


def sms_to(database: Database, msisdn: str) -> list[dict[str, Any]]:
    return rows_of(
        database,
        "SELECT template, params FROM outbox WHERE recipient = %s AND channel = 'sms' ORDER BY id",
        msisdn,
    )


@contextmanager
def outbox_that_fails_for(owner_url: str, msisdn: str) -> Iterator[None]:
    """Let the database itself refuse the last row of a registration."""
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("""
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$
        """)
        owner.execute(
            sql.SQL(
                "CREATE TRIGGER fail BEFORE INSERT ON outbox FOR EACH ROW"
                " WHEN (NEW.recipient = {}) EXECUTE FUNCTION fail()"
            ).format(sql.Literal(msisdn))
        )
        try:
            yield
        finally:
            owner.execute("DROP TRIGGER fail ON outbox")
            owner.execute("DROP FUNCTION fail")


# A01: registration is whole or not at all --------------------------------------------------------


def test_a01_a_registration_makes_one_user_one_empty_wallet_and_one_sms(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    phone = Phone(client, settings, new_msisdn())
    phone.dial()

    assert phone.play(*JOIN).startswith("END Welcome Asha!")
    phone.post()  # the gateway repeats its last hop

    [user] = rows_of(database, "SELECT id FROM users WHERE msisdn = %s", phone.msisdn)
    accounts = rows_of(database, "SELECT code FROM accounts WHERE user_id = %s", user["id"])
    assert accounts == [{"code": "USER_WALLET"}]
    assert wallets.balance(database, SYSTEM, user["id"]) == 0
    assert [sms["template"] for sms in sms_to(database, phone.msisdn)] == ["welcome"]


def test_a01_when_the_database_fails_on_the_way_there_is_neither_and_the_phone_is_told(
    client: FlaskClient, settings: Settings, database: Database, database_owner_url: str
) -> None:
    phone = Phone(client, settings, new_msisdn())
    before = rows_of(database, "SELECT count(*) AS n FROM accounts")
    phone.dial()
    with outbox_that_fails_for(database_owner_url, phone.msisdn):
        told = phone.play(*JOIN)

    assert told.startswith("END Sorry")
    assert users.find(database, phone.msisdn) is None
    assert rows_of(database, "SELECT count(*) AS n FROM accounts") == before
    assert sms_to(database, phone.msisdn) == []
    phone.dial()
    assert phone.play(*JOIN).startswith("END Welcome Asha!")


# A13: any spelling, the name before the PIN, one reference for both -------------------------------


def test_a13_every_spelling_finds_the_member_and_both_get_the_reference_of_history(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    sender, recipient = new_user(database, cents=700_00), new_user(database, first_name="John")
    phone = Phone(client, settings, sender.msisdn)
    local = "0" + recipient.msisdn.removeprefix("+254")
    references = []
    for spelling in (local, recipient.msisdn, recipient.msisdn.removeprefix("+")):
        phone.dial()
        asked = phone.play("1", spelling, "200")
        assert "John Wanjiru" in asked
        assert "Enter PIN" in asked
        references.append(phone.reply(PIN).removeprefix("END ").split()[0])

    assert wallets.balance(database, SYSTEM, sender.id) == 100_00
    assert wallets.balance(database, SYSTEM, recipient.id) == 600_00
    assert len(set(references)) == 3
    for user, template in ((sender, "transfer_sent"), (recipient, "transfer_received")):
        told = [
            sms["params"]["receipt"]
            for sms in sms_to(database, user.msisdn)
            if sms["template"] == template
        ]
        shown = [
            entry.receipt
            for entry in wallets.recent_movements(database, SYSTEM, user.id)
            if entry.receipt in references
        ]
        assert told == references
        assert shown == references[::-1]


# A15: amounts that are none -----------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["0.00", "-5", "0.001", "10.555", "1e3", "NaN", "9999999999"])
@pytest.mark.parametrize("journey", ["deposit", "send", "withdraw"])
def test_a15_an_amount_that_is_none_is_refused_with_a_line_of_help_and_no_row(
    client: FlaskClient, settings: Settings, database: Database, typed: str, journey: str
) -> None:
    sender, recipient = new_user(database, cents=700_00), new_user(database)
    steps = {"deposit": ("2",), "send": ("1", recipient.msisdn), "withdraw": ("4",)}
    phone = Phone(client, settings, sender.msisdn)
    before = rows_of(database, "SELECT count(*) AS n FROM transactions")
    phone.dial()

    told = phone.play(*steps[journey], typed)  # a bare 0 is the key that goes back

    assert told.startswith(("CON Type an amount", "CON M-PESA moves whole", "CON The most at once"))
    assert rows_of(database, "SELECT count(*) AS n FROM transactions") == before
    assert rows_of(database, "SELECT id FROM payments WHERE user_id = %s", sender.id) == []


def test_a15_cents_go_to_a_wallet_but_not_to_m_pesa(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    sender, recipient = new_user(database, cents=700_00), new_user(database)
    phone = Phone(client, settings, sender.msisdn)
    phone.dial()
    assert phone.play("2", "10.50").startswith("CON M-PESA moves whole shillings.")
    assert phone.play("00", "4", "10.50").startswith("CON M-PESA moves whole shillings.")
    assert "Ksh10.50 sent" in phone.play("00", "1", recipient.msisdn, "10.50", PIN)
    assert wallets.balance(database, SYSTEM, recipient.id) == 10_50


# A26: guessing, from whatever address -------------------------------------------------------------


def test_a26_the_fourth_pin_is_refused_also_when_right_on_every_channel_and_told_once(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    owner = new_user(database, cents=700_00)
    phone = Phone(client, settings, owner.msisdn)
    client.environ_base["HTTP_X_FORWARDED_FOR"] = "10.0.0.1"
    answers = []
    for number in range(6):
        # A new session and a new address for each guess: neither gives a fresh start.
        client.environ_base["HTTP_X_FORWARDED_FOR"] = f"10.0.0.{number}"
        phone.dial()
        answers.append(phone.play("3", PIN if number == 3 else f"73{number}9"))

    assert ["locked" in answer for answer in answers] == [False, False, True, True, True, True]
    told = [sms["template"] for sms in sms_to(database, owner.msisdn)]
    assert told.count("pin_locked") == 1
    assert told.count("pin_unlocked") == 1  # due when the hour is over


def test_a26_what_safaricom_and_africas_talking_post_is_never_limited_by_address(
    client: FlaskClient, settings: Settings
) -> None:
    key = settings.at_callback_keys[0].get_secret_value()
    report = {"id": "ATXid_none", "status": "Sent"}
    codes = {client.post(f"/at/{key}/sms-reports", data=report).status_code for _ in range(150)}
    codes |= {
        client.post(f"/hooks/stk/{'0' * 32}", json={"Body": {}}).status_code for _ in range(150)
    }
    assert codes == {200}


# A30: a session that drops after the PIN ----------------------------------------------------------


@pytest.fixture
def friend(database: Database) -> User:
    return new_user(database, first_name="John", last_name="Otieno")


def test_a30_a_transfer_confirmed_before_the_drop_is_done_once_and_shown_on_redial(
    client: FlaskClient, settings: Settings, database: Database, friend: User
) -> None:
    phone = Phone(client, settings, new_user(database, cents=700_00).msisdn)
    phone.dial()
    phone.play("1", friend.msisdn, "200")
    done = phone.reply(PIN)
    repeated = [phone.post() for _ in range(3)]

    assert repeated == [done] * 3
    assert wallets.balance(database, SYSTEM, friend.id) == 200_00
    assert phone.dial().startswith("CON Cycle\n1 Send money")  # it was shown: nothing to tell


def test_a30_a_drop_before_the_pin_moves_nothing_and_goes_on_before_it(
    client: FlaskClient, settings: Settings, database: Database, friend: User
) -> None:
    phone = Phone(client, settings, new_user(database, cents=700_00).msisdn)
    phone.dial()
    phone.play("1", friend.msisdn, "200")

    assert phone.dial().startswith("CON You were cut off. Go on?")
    assert phone.reply("1").startswith("CON Enter amount to send")
    assert wallets.balance(database, SYSTEM, friend.id) == 0
