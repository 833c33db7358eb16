"""Phones played at random over HTTP on the real ledger: valid replies, and no money without PIN."""

from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from ledger.core.gsm7 import septets
from ledger.core.msisdn import local_form
from ledger.db import accounts
from ledger.db.engine import Database
from ledger.queries import users, wallets
from tests.db.people import PIN, SYSTEM, new_user
from tests.journey_player import Handset
from ussd_app.flow.render import SEPTETS_MAX
from ussd_app.settings import Settings

KEYS = st.sampled_from([*"012345678", "00", "98", "200", "10.50", "Otieno", PIN, "0000", "1111"])
NOISE = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
PHONES = st.integers(0, 1)


class Phones(RuleBasedStateMachine):
    """Two members; whatever they type, the sum of all money stays."""

    app: Flask
    config: Settings
    database: Database

    @initialize()
    def two_members(self) -> None:
        with self.app.app_context():
            self.app.extensions["cycle"].redis.flushdb()
        self.phones = []
        for _ in range(2):
            user = new_user(self.database, cents=1_000_00)
            self.phones.append(Handset(self.app.test_client(), self.config, user.msisdn))
        self.total = self.all_money()

    def all_money(self) -> int:
        with self.database.transaction(SYSTEM) as connection:
            system = accounts.system_balances(connection)
            return accounts.wallets_total(connection) + sum(
                cents for account, cents in system.items() if account.name == "PENDING_WITHDRAWALS"
            )

    def cents_of(self, phone: Handset) -> int:
        user = users.find(self.database, phone.msisdn)
        assert user is not None
        cents = wallets.balance(self.database, SYSTEM, user.id)
        assert isinstance(cents, int)
        return cents

    def check(self, screen: str) -> None:
        assert screen[:4] in ("CON ", "END ")
        length = septets(screen[4:])
        assert length is not None, screen
        assert 0 < length <= SEPTETS_MAX, screen

    def hop(self, number: int, typed: str) -> None:
        phone = self.phones[number]
        before = self.cents_of(phone)
        self.check(phone.reply(typed))
        if typed.strip() != PIN:
            assert self.cents_of(phone) >= before, f"money left without a PIN after {typed!r}"

    @rule(number=PHONES, tokens=st.sampled_from(["", "", "1", "2*500", "4*100", "77", "5*1"]))
    def dials(self, number: int, tokens: str) -> None:
        self.check(self.phones[number].dial(tokens))

    @rule(number=PHONES)
    def dials_to_send(self, number: int) -> None:
        friend = local_form(self.phones[1 - number].msisdn)
        self.check(self.phones[number].dial(f"3*{friend}*100"))

    @rule(number=PHONES, typed=KEYS)
    def types(self, number: int, typed: str) -> None:
        if self.phones[number].session:
            self.hop(number, typed)

    @rule(number=PHONES)
    def types_the_other_number(self, number: int) -> None:
        if self.phones[number].session:
            self.hop(number, local_form(self.phones[1 - number].msisdn))

    @rule(number=PHONES, typed=NOISE)
    def types_anything(self, number: int, typed: str) -> None:
        if self.phones[number].session:
            self.hop(number, typed)

    @rule(number=PHONES)
    def gateway_repeats(self, number: int) -> None:
        phone = self.phones[number]
        if phone.session:
            shown, before = phone.screen, self.cents_of(phone)
            assert phone.post() == shown
            assert self.cents_of(phone) == before

    @invariant()
    def money_is_constant(self) -> None:
        if hasattr(self, "total"):
            assert self.all_money() == self.total


def test_random_phones(app: Flask, settings: Settings, database: Database) -> None:
    machine = type(
        "PhonesOfRun",
        (Phones,),
        {"app": app, "config": settings, "database": database},
    )
    run_state_machine_as_test(
        machine,
        settings=hypothesis_settings(
            max_examples=4,
            stateful_step_count=35,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
