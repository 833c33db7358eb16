"""Random commands over ten customers, against a model of the rules in forty lines of Python."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, strategies
from hypothesis import settings as hypothesis_settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger.commands import evidence, inbox, paybill, profiles, reversals, transfers, withdrawals
from ledger.commands.maintenance import fold_balances, seal_audit
from ledger.core.chart import SystemAccount
from ledger.core.context import Context
from ledger.core.paybill import PaybillPayment
from ledger.core.payments import Evidence, EvidenceSource, Payment, PaymentState, Verdict
from ledger.core.people import NewUser, User
from ledger.core.plans import Posted
from ledger.core.refusals import Refusal
from ledger.core.rules import Limit
from ledger.db import accounts, payments, rules, users
from ledger.db.callbacks import Received
from ledger.db.engine import Database
from ledger.queries.verify import verify_ledger
from tests.db.people import SYSTEM
from tests.length import AT_LENGTH
from tests.msisdns import new_msisdn
from tests.quick_hashing import open_database
from tests.servers import Servers
from ussd_app.settings import Settings

FEE, WALLET_MAX, MAXIMUM, DAILY = 500, 80_000, 30_000, 60_000
PEOPLE = range(10)
RUN = hypothesis_settings(
    max_examples=40 if AT_LENGTH else 6,
    stateful_step_count=100 if AT_LENGTH else 40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Model:
    """What must be true: cents by wallet, held, in suspense and in the float; who is stopped."""

    wallets: list[int] = field(default_factory=lambda: [0] * len(PEOPLE))
    states: list[str] = field(default_factory=lambda: ["active"] * len(PEOPLE))
    sent: list[int] = field(default_factory=lambda: [0] * len(PEOPLE))
    withdrawn: list[int] = field(default_factory=lambda: [0] * len(PEOPLE))
    holds: dict[int, tuple[int, int]] = field(default_factory=dict)
    cash: int = 0
    suspense: int = 0
    fees: int = 0

    def refuse_transfer(self, sender: int, recipient: int, cents: int) -> str | None:
        checks = {
            "user_closed": self.states[sender] == "closed",
            "recipient_unknown": self.states[recipient] == "closed",
            "recipient_is_sender": sender == recipient,
            "account_frozen": self.states[sender] == "frozen",
            "recipient_cannot_receive": self.states[recipient] == "frozen",
            "amount_too_large": cents > MAXIMUM,
        }
        later = {
            "insufficient_funds": self.wallets[sender] < cents + FEE,
            "recipient_cannot_receive": self.wallets[recipient] + cents > WALLET_MAX,
            "daily_limit": self.sent[sender] + cents > DAILY,
        }
        # Wallets are tried in id order, so a recipient before its sender is judged first.
        if recipient < sender and later["recipient_cannot_receive"]:
            later = {"insufficient_funds": later.pop("insufficient_funds"), **later}
        return self.first_of(checks) or self.first_of(later)

    def refuse_withdrawal(self, person: int, cents: int) -> str | None:
        return self.first_of(
            {
                "user_closed": self.states[person] == "closed",
                "account_frozen": self.states[person] == "frozen",
                "amount_too_large": cents > MAXIMUM,
                "insufficient_funds": self.wallets[person] < cents + FEE,
                "daily_limit": self.withdrawn[person] + cents > DAILY,
            }
        )

    def takes(self, person: int, cents: int, maximum: int = WALLET_MAX) -> bool:
        return self.states[person] == "active" and self.wallets[person] + cents <= maximum

    @staticmethod
    def first_of(checks: dict[str, bool]) -> str | None:
        return next((code for code, holds in checks.items() if holds), None)


# Some people do more than others, so that commands meet.
people = strategies.sampled_from([0, 0, 0, 1, 1, 2, *PEOPLE])
shillings = strategies.integers(10, 320)
cents = strategies.integers(1, 32_000)
picks = strategies.integers(0, 10**6)


class Ledger(RuleBasedStateMachine):
    """Each rule gives one command to the ledger and to the model, and compares the answers."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.users = [self.new_customer() for _ in PEOPLE]
        self.failed: list[tuple[int, int, int, bool]] = []
        self.in_suspense: list[tuple[int, int]] = []
        self.transfers: list[tuple[str, int, int, int]] = []
        self.before = self.system_balances()

    def new_customer(self) -> User:
        new = NewUser(new_msisdn(), "Amina", "Otieno", "en", "1", "ussd")
        with self.database.transaction(SYSTEM) as connection:
            user_id = users.insert(connection, new, "nobody signs in here")
            assert user_id is not None
            user = users.get(connection, user_id)
        assert user is not None
        return user

    def acting(self, person: int) -> Context:
        return Context.of_user(self.users[person].id, "ussd")

    def system_balances(self) -> dict[SystemAccount, int]:
        with self.database.transaction(SYSTEM) as connection:
            return accounts.system_balances(connection)

    @staticmethod
    def expect(answer: Any, code: str | None) -> bool:
        """Compare an answer with the refusal that the model expects; tell if it was done."""
        assert (answer.code.value if isinstance(answer, Refusal) else None) == code, answer
        return code is None

    # Money in ----------------------------------------------------------------------------

    @initialize()
    def start_with_some_money(self) -> None:
        for person in (0, 1, 2):
            self.pay_in(person=person, amount=320, known=True)

    @rule(person=people, amount=shillings, known=strategies.booleans())
    def pay_in(self, person: int, amount: int, known: bool) -> None:
        paid = PaybillPayment(
            receipt=uuid4().hex[:10].upper(),
            amount=amount * 100,
            account_number=self.users[person].msisdn if known else "RENT",
            payer_msisdn=None,
            payer_hash=None,
            payer_name="AMINA OTIENO",
            paid_at=None,
            kind="Pay Bill",
        )
        for _ in range(2):  # M-Pesa confirms twice now and then
            inbox.store(self.database, [Received("c2b", "key", b"", {}, None)])
            [body] = inbox.lease(self.database, 2)
            applied = paybill.receive(self.database, body.id, paid)
            assert applied is not None
            assert applied.payment_id is not None
        self.model.cash += paid.amount
        if known and self.model.takes(person, paid.amount):
            self.model.wallets[person] += paid.amount
        else:
            self.model.suspense += paid.amount
            self.in_suspense.append((applied.payment_id, paid.amount))

    @precondition(lambda self: bool(self.in_suspense))
    @rule(person=people, pick=picks)
    def allocate(self, person: int, pick: int) -> None:
        payment_id, held = self.in_suspense[pick % len(self.in_suspense)]
        answer = paybill.allocate(self.database, SYSTEM, payment_id, self.users[person].msisdn)
        code = Model.first_of(
            {
                "account_frozen": self.model.states[person] == "frozen",
                "account_closed": self.model.states[person] == "closed",
                "wallet_full": not self.model.takes(person, held),
            }
        )
        if self.expect(answer, code):
            self.in_suspense.remove((payment_id, held))
            self.failed = [entry for entry in self.failed if entry[0] != payment_id]
            self.model.suspense -= held
            self.model.wallets[person] += held
            again = paybill.allocate(self.database, SYSTEM, payment_id, self.users[person].msisdn)
            assert isinstance(again, Payment)

    # Between wallets ---------------------------------------------------------------------

    @rule(sender=people, recipient=people, amount=cents)
    def send(self, sender: int, recipient: int, amount: int) -> None:
        answer = transfers.transfer(
            self.database,
            self.acting(sender),
            self.users[sender].id,
            self.users[recipient].msisdn,
            amount,
            source="machine",
            reference=uuid4().hex,
        )
        if self.expect(answer, self.model.refuse_transfer(sender, recipient, amount)):
            assert isinstance(answer, Posted)
            self.model.wallets[sender] -= amount + FEE
            self.model.wallets[recipient] += amount
            self.model.fees += FEE
            self.model.sent[sender] += amount
            self.transfers.append((answer.receipt, sender, recipient, amount))

    @precondition(lambda self: bool(self.transfers))
    @rule(pick=picks, twice=strategies.booleans())
    def reverse(self, pick: int, twice: bool) -> None:
        receipt, sender, recipient, amount = entry = self.transfers[pick % len(self.transfers)]
        states = {self.model.states[sender], self.model.states[recipient]}
        code = Model.first_of(
            {
                "account_frozen": "frozen" in states,
                "account_closed": "closed" in states,
                "insufficient_funds": self.model.wallets[recipient] < amount,
            }
        )
        if self.expect(self.undo(receipt), code):
            self.transfers.remove(entry)
            self.model.wallets[sender] += amount + FEE
            self.model.wallets[recipient] -= amount
            self.model.fees -= FEE
            if twice:
                self.expect(self.undo(receipt), "already_reversed")

    def undo(self, receipt: str) -> Posted | Refusal:
        return reversals.reverse(
            self.database, SYSTEM, receipt, why="error", source="machine", reference=uuid4().hex
        )

    # Money out ---------------------------------------------------------------------------

    @rule(person=people, amount=shillings)
    def request_withdrawal(self, person: int, amount: int) -> None:
        answer = withdrawals.request_withdrawal(
            self.database,
            self.acting(person),
            self.users[person].id,
            amount * 100,
            source="machine",
            reference=uuid4().hex,
        )
        if self.expect(answer, self.model.refuse_withdrawal(person, amount * 100)):
            assert isinstance(answer, Payment)
            self.model.wallets[person] -= amount * 100 + FEE
            self.model.withdrawn[person] += amount * 100
            self.model.holds[answer.id] = (person, amount * 100)

    def judge(self, payment_id: int, amount: int, verdict: Verdict, code: str) -> PaymentState:
        paid = verdict is Verdict.PAID
        statement = Evidence(
            source=EvidenceSource.STATUS,
            verdict=verdict,
            code=code,
            amount=amount,
            receipt=uuid4().hex[:10].upper() if paid else None,
        )
        for _ in range(2):
            evidence.apply(self.database, payment_id, statement)
        with self.database.transaction(SYSTEM) as connection:
            payment = payments.get(connection, payment_id)
        assert payment is not None
        return payment.state

    @precondition(lambda self: bool(self.model.holds))
    @rule(pick=picks)
    def pay_out(self, pick: int) -> None:
        payment_id = sorted(self.model.holds)[pick % len(self.model.holds)]
        _, amount = self.model.holds.pop(payment_id)
        assert self.judge(payment_id, amount, Verdict.PAID, "0") is PaymentState.COMPLETED
        self.model.cash -= amount
        self.model.fees += FEE

    @precondition(lambda self: bool(self.model.holds))
    @rule(pick=picks)
    def release(self, pick: int) -> None:
        payment_id = sorted(self.model.holds)[pick % len(self.model.holds)]
        person, amount = self.model.holds.pop(payment_id)
        assert self.judge(payment_id, amount, Verdict.NOT_PAID, "2040") is PaymentState.FAILED
        self.model.withdrawn[person] -= amount
        to_wallet = self.model.states[person] == "active"
        if to_wallet:
            self.model.wallets[person] += amount + FEE
        else:
            self.model.suspense += amount + FEE
            self.in_suspense.append((payment_id, amount + FEE))
        self.failed.append((payment_id, person, amount, to_wallet))

    @precondition(lambda self: bool(self.failed))
    @rule(pick=picks)
    def learn_that_a_released_payout_was_paid(self, pick: int) -> None:
        payment_id, person, amount, to_wallet = self.failed.pop(pick % len(self.failed))
        assert self.judge(payment_id, amount, Verdict.PAID, "0") is PaymentState.COMPLETED
        self.model.cash -= amount
        self.model.fees += FEE
        active = self.model.states[person] == "active"
        if to_wallet and active and self.model.wallets[person] >= amount + FEE:
            self.model.wallets[person] -= amount + FEE
        else:
            self.model.suspense -= amount + FEE
        self.in_suspense = [entry for entry in self.in_suspense if entry[0] != payment_id]
        answer = paybill.allocate(self.database, SYSTEM, payment_id, self.users[person].msisdn)
        self.expect(answer, "state_conflict")

    # Stopping wallets --------------------------------------------------------------------

    @rule(person=people, command=strategies.sampled_from(["freeze", "unfreeze", "close"]))
    def change_status(self, person: int, command: str) -> None:
        state = self.model.states[person]
        code = {"closed": "account_closed"}.get(state)
        if command == "close" and code is None:
            owed = any(holder == person for holder, _ in self.model.holds.values())
            code = Model.first_of(
                {
                    "account_frozen": state == "frozen",
                    "wallet_not_empty": self.model.wallets[person] != 0,
                    "payment_pending": owed,
                }
            )
        change = {
            "freeze": profiles.freeze_wallet,
            "unfreeze": profiles.unfreeze_wallet,
            "close": profiles.close_wallet,
        }[command]
        if self.expect(change(self.database, SYSTEM, self.users[person].id, "machine"), code):
            new = {"freeze": "frozen", "unfreeze": "active", "close": "closed"}[command]
            self.model.states[person] = new

    @rule()
    def do_the_upkeep(self) -> None:
        fold_balances(self.database)
        seal_audit(self.database)

    # What must hold after each command ---------------------------------------------------

    @invariant()
    def balances_agree(self) -> None:
        ids = [user.id for user in self.users]
        with self.database.transaction(SYSTEM) as connection:
            found = users.find_parties(connection, user_ids=ids, msisdns=[])
            moved = accounts.system_balances(connection)
        wallets = {party.user_id: party.balance for party in found.values()}
        assert [wallets[user_id] for user_id in ids] == self.model.wallets
        held = sum(amount + FEE for _, amount in self.model.holds.values())
        expected = {
            SystemAccount.CASH: self.model.cash,
            SystemAccount.PENDING_WITHDRAWALS: held,
            SystemAccount.SUSPENSE: self.model.suspense,
            SystemAccount.REVENUE_FEES: self.model.fees,
        }
        assert {a: moved[a] - self.before[a] for a in expected} == expected

    def teardown(self) -> None:
        assert verify_ledger(self.database) == []


@contextmanager
def own_database(servers: Servers, product: Settings) -> Iterator[Database]:
    """A database in which limits are low enough to be met, and movements cost a fee."""
    url = servers.clone()
    database = open_database(product, url)
    now = datetime.now(UTC)
    with database.transaction(SYSTEM) as connection:
        for kind in ("transfer", "withdrawal"):
            limit = Limit(1_000 if kind == "withdrawal" else 1, MAXIMUM, DAILY)
            rules.set_limit(connection, kind, limit, valid_from=now, set_by="system:test")
            rules.set_tariff(connection, kind, [(10**9, FEE)], valid_from=now, set_by="system:test")
        wallet = Limit(1, WALLET_MAX, WALLET_MAX)
        rules.set_limit(connection, "wallet", wallet, valid_from=now, set_by="system:test")
    try:
        yield database
    finally:
        database.close()
        servers.drop(url)


@pytest.mark.timeout(3600)
def test_random_commands_agree_with_the_model(servers: Servers, settings: Settings) -> None:
    with own_database(servers, settings) as database:
        machine = type("OwnLedger", (Ledger,), {"database": database})
        run_state_machine_as_test(machine, settings=RUN)
        assert verify_ledger(database) == []
