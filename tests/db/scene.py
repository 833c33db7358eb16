"""Two customers between whom every command has something to do, and what two commands left."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from ledger.commands import (
    deposits,
    evidence,
    paybill,
    profiles,
    register,
    reversals,
    transfers,
    withdrawals,
)
from ledger.core.chart import SystemAccount
from ledger.core.context import Context
from ledger.core.paybill import PaybillPayment
from ledger.core.payments import Evidence, EvidenceSource, Payment, PaymentKind, Verdict
from ledger.core.payments import PaymentState as State
from ledger.core.people import NewUser, User
from ledger.core.plans import Posted
from ledger.core.refusals import Refusal
from ledger.db import payments, users
from ledger.db.engine import Database
from tests.db.people import PIN, SYSTEM, deposit_plan, post
from tests.msisdns import new_msisdn


def new_customer(database: Database, cents: int) -> User:
    """A customer without a PIN: hashing one would take longer than the race."""
    new = NewUser(new_msisdn(), "Jane", "Wanjiru", "en", "1", "ussd")
    with database.transaction(SYSTEM) as connection:
        user_id = users.insert(connection, new, "nobody signs in here")
        assert user_id is not None
        user = users.get(connection, user_id)
    assert user is not None
    if cents:
        assert isinstance(post(database, deposit_plan(user.wallet_account_id, cents)), Posted)
    return user


@dataclass
class Scene:
    """Jane with 1,000 and 100 held, John with the 300 that she sent, 50 in suspense."""

    database: Database
    key: str = field(default_factory=lambda: uuid4().hex)

    def __post_init__(self) -> None:
        self.jane = new_customer(self.database, 140_000)
        self.john = new_customer(self.database, 0)
        sent = self._send(self.jane, self.john, 30_000, "before")
        assert isinstance(sent, Posted)
        self.sent = sent
        held = self._withdraw(10_000, "held")
        assert isinstance(held, Payment)
        self.held = held
        self.strange = self._money_in_suspense()
        self.newcomer = NewUser(new_msisdn(), "Amina", "Otieno", "en", "1", "ussd")
        self.receipt = uuid4().hex[:10].upper()

    def _money_in_suspense(self) -> int:
        plan = deposit_plan(SystemAccount.SUSPENSE, 5_000)
        with self.database.transaction(SYSTEM) as connection:
            receipt = uuid4().hex[:10].upper()
            payment_id = payments.insert(
                connection,
                payments.NewPayment(
                    kind=PaymentKind.PAYBILL,
                    state=State.PENDING,
                    user_id=None,
                    msisdn=None,
                    amount=5_000,
                    fee=0,
                    token=uuid4().hex,
                    account_reference="RENT",
                    source="c2b",
                    reference=receipt,
                    channel="paybill",
                    mpesa_receipt=receipt,
                ),
            )
        posted = post(self.database, plan)
        assert isinstance(posted, Posted)
        assert payment_id is not None
        with self.database.transaction(SYSTEM) as connection:
            payments.update(
                connection,
                payment_id,
                state=State.COMPLETED.value,
                suspense_reason="unknown_account",
                transaction_id=posted.transaction_id,
            )
        return payment_id

    def _send(self, sender: User, recipient: User, cents: int, what: str) -> Posted | Refusal:
        return transfers.transfer(
            self.database,
            Context.of_user(sender.id, "ussd"),
            sender.id,
            recipient.msisdn,
            cents,
            source="race",
            reference=f"{self.key}:{what}",
        )

    def _withdraw(self, cents: int, what: str) -> Payment | Refusal:
        return withdrawals.request_withdrawal(
            self.database,
            Context.of_user(self.jane.id, "ussd"),
            self.jane.id,
            cents,
            source="race",
            reference=f"{self.key}:{what}",
        )

    def _judge(self, verdict: Verdict, code: str) -> object:
        receipt = uuid4().hex[:10].upper() if verdict is Verdict.PAID else None
        statement = Evidence(EvidenceSource.STATUS, verdict, code, amount=10_000, receipt=receipt)
        return evidence.apply(self.database, self.held.id, statement)

    def deposit(self) -> object:
        plan = deposit_plan(self.jane.wallet_account_id, 10_000, reference=f"{self.key}:deposit")
        return post(self.database, plan)

    def send(self) -> object:
        return self._send(self.jane, self.john, 70_000, "send")

    def send_back(self) -> object:
        return self._send(self.john, self.jane, 30_000, "back")

    def withdraw(self) -> object:
        return self._withdraw(60_000, "withdraw")

    def settle(self) -> object:
        return self._judge(Verdict.PAID, "0")

    def release(self) -> object:
        return self._judge(Verdict.NOT_PAID, "2040")

    def reverse(self) -> object:
        return reversals.reverse(
            self.database,
            SYSTEM,
            self.sent.receipt,
            why="error",
            source="race",
            reference=f"{self.key}:reverse",
        )

    def allocate(self) -> object:
        return paybill.allocate(self.database, SYSTEM, self.strange, self.john.msisdn)

    def freeze(self) -> object:
        return profiles.freeze_wallet(self.database, SYSTEM, self.jane.id, "race")

    def unfreeze(self) -> object:
        return profiles.unfreeze_wallet(self.database, SYSTEM, self.jane.id, "race")

    def close(self) -> object:
        return profiles.close_wallet(self.database, SYSTEM, self.john.id, "race")

    def register(self) -> object:
        return register.register(self.database, SYSTEM, self.newcomer, PIN)

    def ask_deposit(self) -> object:
        return deposits.request_deposit(
            self.database,
            Context.of_user(self.john.id, "ussd"),
            self.john.id,
            20_000,
            source="race",
            reference=uuid4().hex,
        )

    def pay_in(self) -> object:
        """A payment by hand into John's wallet, told by M-Pesa under one receipt."""
        paid = PaybillPayment(
            receipt=self.receipt,
            amount=10_000,
            account_number=self.john.msisdn,
            payer_msisdn=None,
            payer_hash=None,
            payer_name="AMINA OTIENO",
            paid_at=None,
            kind="Pay Bill",
        )
        try:
            return paybill.recover(self.database, paid)
        except RuntimeError:
            # Its twin committed meanwhile: the job fails, and runs again.
            return paybill.recover(self.database, paid)

    def run(self, first: str, second: str, *, at_once: bool) -> tuple[object, ...]:
        """Give two commands and return their answers with what they left."""
        commands: list[Callable[[], object]] = [getattr(self, first), getattr(self, second)]
        if not at_once:
            answers = [command() for command in commands]
        else:
            barrier = threading.Barrier(2)

            def start(command: Callable[[], object]) -> object:
                barrier.wait()
                return command()

            with ThreadPoolExecutor(2) as pool:
                answers = list(pool.map(start, commands))
        return (*map(said, answers), *self._left())

    def _left(self) -> tuple[object, ...]:
        with self.database.transaction(SYSTEM) as connection:
            found = users.find_parties(
                connection, user_ids=[self.jane.id, self.john.id], msisdns=[]
            )
            held, strange = (
                payments.get(connection, payment_id) for payment_id in (self.held.id, self.strange)
            )
            registered = connection.execute(
                "SELECT count(*) AS n FROM users WHERE msisdn = %s", (self.newcomer.msisdn,)
            ).fetchone()
            johns = connection.execute(
                "SELECT kind, state, suspense_reason FROM payments WHERE user_id = %s"
                " OR mpesa_receipt = %s ORDER BY kind, id",
                (self.john.id, self.receipt),
            ).fetchall()
        assert held is not None
        assert strange is not None
        wallets = [
            (party.wallet_status, party.balance)
            for party in sorted(found.values(), key=lambda party: party.user_id)
        ]
        states = (held.state, held.suspense_reason, strange.suspense_resolution)
        return (*wallets, *states, registered, [tuple(row.values()) for row in johns])


def said(answer: Any) -> str:
    """Return the code of a refusal, or that the command was done."""
    if isinstance(answer, Refusal):
        return answer.code.value
    if isinstance(answer, evidence.Applied):
        return answer.decision.step.value
    return "done"
