"""Servers that stop in the middle of a session: the phone gets a sentence, money is whole."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from uuid import uuid4

import pytest
import requests

from ledger.commands.register import register
from ledger.core.chart import Kind, SystemAccount
from ledger.core.context import Context
from ledger.core.msisdn import local_form
from ledger.core.people import NewUser, User
from ledger.core.plans import Plan, Posted, moving
from ledger.db import kernel
from ledger.db.engine import Database
from ledger.queries import wallets
from ledger.settings import LedgerSettings
from tests.e2e.stack import Running, wait_until

pytestmark = pytest.mark.xdist_group("outages")
SYSTEM = Context.of_system("test")
PIN = "4826"
HOP_SECONDS = 4.0
_numbers = count(254_716_000_001)


@pytest.fixture(scope="module")
def up(troubled_up: Running) -> Running:
    return troubled_up


@pytest.fixture(scope="module")
def database(up: Running) -> Iterator[Database]:
    # The web process must know the PIN, so the pepper is the one of its own environment.
    pepper = up.child("granian").environ()["PIN_PEPPER"]
    settings = LedgerSettings.model_validate(
        {"database_url": up.where["database_url"], "pin_pepper": pepper}
    )
    opened = Database.from_settings(settings)
    yield opened
    opened.close()


class Phone:
    """A customer whose hops go straight to the web process."""

    def __init__(self, up: Running, database: Database, cents: int = 0) -> None:
        self.up, self.database = up, database
        self.msisdn = f"+{next(_numbers)}"
        new = NewUser(self.msisdn, "Jane", "Wanjiru", "en", "1", "ussd")
        user = register(database, SYSTEM, new, PIN)
        assert isinstance(user, User)
        self.user = user
        if cents:
            plan = Plan(
                kind=Kind.DEPOSIT,
                source="test",
                reference=uuid4().hex,
                debits=moving(cents, debit=SystemAccount.CASH, credit=user.wallet_account_id),
                request={"amount": cents},
            )
            posted = database.call(lambda connection: kernel.post(connection, SYSTEM, plan))
            assert isinstance(posted, Posted)
        self.session = self.text = ""

    def dial(self, *typed: str) -> str:
        self.session, self.text = f"ATUid_{uuid4().hex}", ""
        screen = self.post()
        for one in typed:
            screen = self.reply(one)
        return screen

    def reply(self, typed: str) -> str:
        self.text = f"{self.text}*{typed}" if self.text else typed
        return self.post()

    def post(self) -> str:
        began = time.monotonic()
        response = requests.post(
            f"{self.up.where['web']}/at/{self.up.where['at_key']}/ussd",
            data={
                "sessionId": self.session,
                "phoneNumber": self.msisdn,
                "networkCode": "63902",
                "serviceCode": self.up.where["ussd_code"],
                "text": self.text,
            },
            timeout=15,
        )
        seconds = time.monotonic() - began
        assert response.status_code == 200
        assert response.text.startswith(("CON ", "END "))
        assert seconds < HOP_SECONDS, f"{seconds:.1f} s for {response.text!r}"
        return response.text

    @property
    def cents(self) -> int:
        cents = wallets.balance(self.database, SYSTEM, self.user.id)
        assert isinstance(cents, int)
        return cents


@contextmanager
def stopped(up: Running, word: str) -> Iterator[None]:
    """Let a server's processes stand still: connected, and answering nothing."""
    processes = [one for one in up.descendants() if word in one.name()]
    assert processes
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


def test_postgresql_that_stands_still_costs_an_apology(up: Running, database: Database) -> None:
    phone = Phone(up, database, cents=700_00)
    phone.dial("3")
    with stopped(up, "postgres"):
        assert phone.reply(PIN).startswith("END Sorry, Cycle is busy.")
        assert phone.dial().startswith("END Sorry, Cycle is busy.")

    def served_again() -> bool:
        return "Ksh700.00" in phone.dial("3", PIN)

    wait_until(served_again)


def test_redis_that_stands_still_costs_an_apology(up: Running, database: Database) -> None:
    phone = Phone(up, database)
    phone.dial()
    with stopped(up, "redis"):
        assert phone.reply("3").startswith("END ")
    assert phone.dial().startswith("CON ")


def test_money_confirmed_into_an_outage_moves_once_or_not_at_all_and_a_redial_tells(
    up: Running, database: Database
) -> None:
    phone, friend = Phone(up, database, cents=700_00), Phone(up, database)
    phone.dial("1", local_form(friend.msisdn), "200")
    with stopped(up, "postgres"):
        assert phone.reply(PIN).startswith("END Sorry, Cycle is busy.")
        repeated = phone.post()
        assert repeated.startswith("END Sorry, Cycle is busy.")

    # The late hop was given up before the transfer, or has committed it as a whole.
    wait_until(lambda: phone.cents + friend.cents == 700_00)
    moved = friend.cents
    assert moved in (0, 200_00)
    shown = phone.dial()
    expected = "CON Your last request was done" if moved else "CON You were cut off."
    assert shown.startswith(expected)
    assert phone.cents + friend.cents == 700_00
