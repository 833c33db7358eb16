"""Shortcuts dialled in one go: every alias in every shape in which a first hop has been seen."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from redis import Redis

from ledger.core.people import User
from ledger.db.engine import Database
from ledger.queries import wallets
from tests.db.people import PIN, SYSTEM, new_user
from tests.web.test_ussd import Phone
from ussd_app.screens import ALIASES
from ussd_app.settings import Settings

SHAPES: dict[str, Callable[[str, str], dict[str, str]]] = {
    "tokens as text": lambda code, dialled: {"serviceCode": code, "text": dialled},
    "all that was dialled as text": lambda code, dialled: {
        "serviceCode": code,
        "text": f"{code.rstrip('#')}*{dialled}#",
    },
    "digits in the service code": lambda code, dialled: {
        "serviceCode": f"{code.rstrip('#')}*{dialled}#",
        "text": "",
    },
}
STOPS_AT = {
    "1": "CON Balance. Enter your PIN",
    "2*500": "END Wait for the M-PESA request for Ksh500.00",
    "3*{friend}*200": "CON Send Ksh200.00 to John Otieno",
    "4*100": "CON Withdraw Ksh100.00 to your M-PESA. Fee Ksh0.00. Total Ksh100.00. Enter PIN",
    "5": "CON Mini statement. Enter your PIN",
}
AFTER_THE_PIN = {
    "1": "CON Your balance is Ksh1,000.00.",
    "3*{friend}*200": "Confirmed. Ksh200.00 sent to John Otieno",
    "4*100": "END Withdrawal of Ksh100.00 is on its way",
    "5": "CON Last movements",
}


@pytest.fixture
def friend(database: Database) -> User:
    return new_user(database, first_name="John", last_name="Otieno")


@pytest.fixture
def phone(client: FlaskClient, settings: Settings, database: Database) -> Phone:
    member = Phone(client, settings, new_user(database, cents=100_000).msisdn)
    member.session = f"ATUid_{uuid4().hex}"
    return member


def dial(phone: Phone, shape: str, dialled: str) -> str:
    fields = SHAPES[shape](phone.service_code, dialled)
    phone.service_code, phone.text = fields["serviceCode"], fields["text"]
    return phone.post()


def test_the_aliases_of_version_1_stay_as_customers_know_them_by_heart() -> None:
    """Change nothing here: a new meaning gets a new number."""
    assert {token: alias.screen for token, alias in ALIASES.items()} == {
        "1": "balance_pin",
        "2": "deposit_amount",
        "3": "send_to",
        "4": "withdraw_amount",
        "5": "mini_pin",
    }


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("alias", STOPS_AT)
def test_an_alias_stops_at_the_confirmation_and_goes_on_from_there(
    phone: Phone, friend: User, shape: str, alias: str
) -> None:
    assert dial(phone, shape, alias.format(friend=friend.msisdn[1:])).startswith(STOPS_AT[alias])
    if alias in AFTER_THE_PIN:
        assert AFTER_THE_PIN[alias] in phone.reply(PIN)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("alias", AFTER_THE_PIN)
def test_a_dialled_pin_is_neither_taken_nor_kept(
    phone: Phone,
    friend: User,
    database: Database,
    redis_client: Redis,
    shape: str,
    alias: str,
) -> None:
    dialled = alias.format(friend=friend.msisdn[1:])
    assert dial(phone, shape, f"{dialled}*{PIN}").startswith(STOPS_AT[alias])
    assert wallets.balance(database, SYSTEM, friend.id) == 0
    kept = b"".join(
        field + value
        for key in redis_client.scan_iter("cycle:ussd:*")
        for field, value in redis_client.hgetall(key).items()
    )
    assert b"Enter" in kept
    assert PIN.encode() not in kept


def test_the_plain_code_shows_the_menu(phone: Phone) -> None:
    assert phone.dial().startswith("CON Cycle\n1 Send money")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dialled", ["77", "77*1", "0*1", "00", "1a", "x"])
def test_unknown_tokens_fall_back_to_the_menu(phone: Phone, shape: str, dialled: str) -> None:
    assert dial(phone, shape, dialled).startswith("CON Cycle\n1 Send money")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_token_that_does_not_fit_leaves_its_question_open(phone: Phone, shape: str) -> None:
    asked = dial(phone, shape, "3*12345*200")
    assert asked.startswith("CON Type a Kenyan number")
    assert "Send money to. Enter phone number" in asked
