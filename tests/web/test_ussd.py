"""USSD over HTTP, as Africa's Talking posts it."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from ledger.db.engine import Database
from ledger.queries import users, wallets
from tests.db.people import PIN, SYSTEM, new_user
from tests.msisdns import new_msisdn
from ussd_app.settings import Settings


class Phone:
    """A handset behind the gateway: it joins its answers with stars and keeps the last screen."""

    def __init__(self, client: FlaskClient, settings: Settings, msisdn: str) -> None:
        self._client = client
        key = settings.at_callback_keys[0].get_secret_value()
        self._path = f"/at/{key}/ussd"
        self.msisdn = msisdn
        self.service_code = settings.ussd_code
        self.text = ""
        self.session = ""

    def dial(self, text: str = "") -> str:
        self.session, self.text = f"ATUid_{uuid4().hex}", text
        return self.post()

    def reply(self, typed: str) -> str:
        self.text = f"{self.text}*{typed}" if self.text else typed
        return self.post()

    def play(self, *typed: str) -> str:
        return [self.reply(one) for one in typed][-1]

    def post(self, **changes: str) -> str:
        form = {
            "sessionId": self.session,
            "phoneNumber": self.msisdn,
            "networkCode": "63902",
            "serviceCode": self.service_code,
            "text": self.text,
            **changes,
        }
        response = self._client.post(self._path, data=form)
        assert response.status_code == 200, response.data
        assert response.mimetype == "text/plain"
        body = response.get_data(as_text=True)
        assert body.startswith(("CON ", "END "))
        return body


@pytest.fixture
def phone(client: FlaskClient, settings: Settings) -> Phone:
    return Phone(client, settings, new_msisdn())


def _member(client: FlaskClient, settings: Settings, database: Database, **what: int) -> Phone:
    return Phone(client, settings, new_user(database, cents=what.get("cents", 0)).msisdn)


def test_a_stranger_joins_and_has_one_empty_wallet(phone: Phone, database: Database) -> None:
    assert "Karibu" in phone.dial()
    assert "terms" in phone.reply("1")
    assert "first name" in phone.reply("1")
    assert "last name" in phone.reply("asha")
    assert "PIN" in phone.reply("O'Brien")
    assert phone.reply("1234").startswith("CON Too easy")
    assert "again" in phone.reply(PIN)
    done = phone.reply(PIN)
    assert done.startswith("END Welcome Asha!")
    user = users.find(database, phone.msisdn)
    assert user is not None
    assert (user.last_name, user.language) == ("O'Brien", "en")
    assert wallets.balance(database, SYSTEM, user.id) == 0
    assert phone.dial().startswith("CON Cycle\n1 Send money")


def test_pins_that_differ_are_asked_for_again(phone: Phone) -> None:
    phone.dial()
    assert "mbili hazilingani" in phone.play("2", "1", "Asha", "Mwangi", PIN, "9071")
    assert phone.play("9071", "9071").startswith("END Karibu Asha!")


def test_the_balance_is_shown_after_the_pin(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    phone = _member(client, settings, database, cents=123_456)
    phone.dial()
    assert "Enter your PIN" in phone.reply("3")
    assert phone.reply("9999") == (
        "CON Wrong PIN. Tries left: 2.\nBalance. Enter your PIN\n0 Back 00 Home"
    )
    assert phone.reply(PIN) == "CON Your balance is Ksh1,234.56.\n0 Back 00 Home"
    assert phone.reply("00").startswith("CON Cycle")


def test_three_wrong_pins_lock_and_end(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    phone = _member(client, settings, database)
    phone.dial()
    last = phone.play("3", "9999", "9998", "9997")
    assert last.startswith("END Your PIN is locked until")
    phone.dial()
    assert phone.play("3", PIN).startswith("END Your PIN is locked until")


@pytest.mark.parametrize(
    "typed", ["0.00", "-5", "10.50", "1e3", "٣", "9" * 400, "300000", "abc", ""]
)
def test_an_amount_that_can_not_be_is_asked_for_again(
    client: FlaskClient, settings: Settings, database: Database, typed: str
) -> None:
    phone = _member(client, settings, database)
    phone.dial()
    phone.reply("2")
    again = phone.reply(typed)
    assert again.startswith("CON ")
    assert "Deposit from M-PESA. Enter amount" in again
    assert again.count("\n") == 2
    with database.transaction(SYSTEM) as connection:
        user = users.find(database, phone.msisdn)
        assert user is not None
        rows = connection.execute(
            "SELECT id FROM payments WHERE user_id = %s", (user.id,)
        ).fetchall()
    assert rows == []


def test_a_deposit_is_promised_once_whatever_the_gateway_repeats(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    phone = _member(client, settings, database)
    phone.dial()
    promised = phone.play("2", "500")
    assert promised.startswith("END Wait for the M-PESA request for Ksh500.00")
    assert [phone.post() for _ in range(3)] == [promised] * 3
    user = users.find(database, phone.msisdn)
    assert user is not None
    with database.transaction(SYSTEM) as connection:
        rows = connection.execute(
            "SELECT amount, state FROM payments WHERE user_id = %s", (user.id,)
        ).fetchall()
    assert rows == [{"amount": 50_000, "state": "created"}]


def test_twins_of_a_confirming_hop_move_the_money_once(
    app: Flask, settings: Settings, database: Database
) -> None:
    # A30
    phone = _member(app.test_client(), settings, database, cents=70_000)
    friend = new_user(database)
    phone.dial()
    phone.play("1", friend.msisdn, "200")
    phone.text += f"*{PIN}"

    def post(_: int) -> str:
        twin = Phone(app.test_client(), settings, phone.msisdn)
        twin.session, twin.text = phone.session, phone.text
        return twin.post()

    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(post, range(6)))
    assert len(set(replies)) == 1
    assert wallets.balance(database, SYSTEM, friend.id) == 20_000


def test_an_unregistered_number_can_be_invited(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    phone = _member(client, settings, database, cents=70_000)
    stranger = new_msisdn()
    phone.dial()
    assert "is not on Cycle" in phone.play("1", stranger, "200")
    assert phone.reply("1").startswith("END We invite")
    with database.transaction(SYSTEM) as connection:
        rows = connection.execute(
            "SELECT template FROM outbox WHERE recipient = %s", (stranger,)
        ).fetchall()
    assert rows == [{"template": "invitation"}]


def test_the_language_switches_in_one_hop_and_stays(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    phone = _member(client, settings, database)
    phone.dial()
    assert phone.play("7", "2", "2").startswith("CON Cycle\n1 Tuma pesa")
    assert "Tuma pesa" in phone.dial()


def test_a_pin_is_changed_after_the_old_one(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    phone = _member(client, settings, database)
    phone.dial()
    assert phone.play("7", "1", PIN, "9071", "9071") == "END Your PIN is changed."
    phone.dial()
    assert "Wrong PIN" in phone.play("3", PIN)
    assert "balance" in phone.reply("9071")


def test_back_and_home_go_where_they_say(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    phone = _member(client, settings, database)
    phone.dial()
    assert "My account" in phone.play("7", "2", "0")
    assert phone.reply("0").startswith("CON Cycle")
    assert phone.play("7", "3", "00").startswith("CON Cycle")


def test_wrong_input_shows_the_screen_again_and_the_third_time_ends(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    phone = _member(client, settings, database)
    phone.dial()
    assert phone.reply("9").startswith("CON Choose one of the numbers.\nCycle\n1 Send money")
    assert phone.reply("x*y").startswith("CON Choose one of the numbers.")
    assert phone.reply("").startswith("END That did not work three times.")


def test_a_star_that_was_typed_belongs_to_the_answer(phone: Phone) -> None:
    phone.dial()
    phone.play("1", "1")
    assert "letters only" in phone.reply("As*ha")
    assert "last name" in phone.reply("Asha")


def test_another_caller_on_the_same_session_is_turned_away(
    client: FlaskClient, settings: Settings, database: Database, phone: Phone
) -> None:
    member = _member(client, settings, database, cents=500)
    member.dial()
    member.reply("3")
    phone.session, phone.text = member.session, f"{member.text}*{PIN}"
    assert phone.post().startswith("END The session ended.")


def test_a_text_that_does_not_continue_the_session_ends_it(phone: Phone) -> None:
    phone.dial()
    phone.reply("1")
    phone.text = "2*1*3"
    assert phone.post().startswith("END The session ended.")


def test_more_than_ten_sessions_in_ten_minutes_are_slowed_down(phone: Phone) -> None:
    assert all(phone.dial().startswith("CON") for _ in range(10))
    assert phone.dial().startswith("END Too many tries.")


def test_only_kenyan_numbers_are_served(client: FlaskClient, settings: Settings) -> None:
    for msisdn in ("+447911123456", "0712345678", " 254712345678", "+2547123"):
        foreign = Phone(client, settings, msisdn)
        assert foreign.dial().startswith("END Cycle works with Kenyan numbers only.")


def test_a_wrong_key_path_is_not_found(client: FlaskClient) -> None:
    assert client.post(f"/at/{'x' * 32}/ussd", data={"sessionId": "a"}).status_code == 404


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"sessionId": "a"},
        {"sessionId": ["a", "b"], "phoneNumber": "+254712345678", "serviceCode": "*1#"},
        {
            "sessionId": "a",
            "phoneNumber": "+254712345678",
            "serviceCode": "*1#",
            "text": "x" * 17_000,
        },
    ],
)
def test_a_form_that_is_not_one_hop_is_refused(
    client: FlaskClient, settings: Settings, data: dict[str, object]
) -> None:
    key = settings.at_callback_keys[0].get_secret_value()
    assert client.post(f"/at/{key}/ussd", data=data).status_code in (400, 413)


def test_ten_kilobytes_of_text_get_a_short_answer(phone: Phone) -> None:
    assert phone.dial("1" * 10_000).startswith("END Sorry, that could not be read.")


def test_neither_pin_nor_transcript_stands_in_redis(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    phone = _member(client, settings, database)
    phone.dial()
    phone.play("3", PIN)
    redis = Redis.from_url(settings.redis_url.get_secret_value())
    kept = b"".join(
        field + value
        for key in redis.scan_iter("cycle:ussd:*")
        for field, value in redis.hgetall(key).items()
    )
    redis.close()
    assert b"Enter your PIN" in kept
    assert PIN.encode() not in kept
    assert b"*384*" not in kept
