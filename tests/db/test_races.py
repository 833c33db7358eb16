"""Two commands at once, connections that die in the middle, and waits that end."""

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg_pool import PoolTimeout
from pydantic import SecretStr

from ledger.commands import evidence, paybill, profiles, reversals, transfers, withdrawals
from ledger.core.chart import SystemAccount
from ledger.core.context import Context
from ledger.core.payments import Evidence, EvidenceSource, Payment, PaymentKind, Verdict
from ledger.core.payments import PaymentState as State
from ledger.core.people import NewUser, User
from ledger.core.plans import Posted
from ledger.core.refusals import Refusal
from ledger.db import payments, users
from ledger.db.engine import ATTEMPTS_MAX, Connection, Database
from ledger.queries.verify import verify_ledger
from tests.db.people import SYSTEM, deposit_plan, new_msisdn, post
from tests.servers import Servers
from ussd_app.settings import Settings

KILLS = 60


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


# Every pair of commands -----------------------------------------------------------------------


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

    def close(self) -> object:
        return profiles.close_wallet(self.database, SYSTEM, self.john.id, "race")

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
        assert held is not None
        assert strange is not None
        wallets = [
            (party.wallet_status, party.balance)
            for party in sorted(found.values(), key=lambda party: party.user_id)
        ]
        return (*wallets, held.state, held.suspense_reason, strange.suspense_resolution)


COMMANDS = (
    "deposit",
    "send",
    "send_back",
    "withdraw",
    "settle",
    "release",
    "reverse",
    "allocate",
    "freeze",
    "close",
)


def said(answer: Any) -> str:
    """Return the code of a refusal, or that the command was done."""
    if isinstance(answer, Refusal):
        return answer.code.value
    if isinstance(answer, evidence.Applied):
        return answer.decision.step.value
    return "done"


def opened(url: str, settings: Settings) -> Database:
    return Database.from_settings(settings.model_copy(update={"database_url": SecretStr(url)}))


@pytest.fixture(scope="module")
def own_url(servers: Servers) -> Iterator[str]:
    url = servers.clone()
    yield url
    servers.drop(url)


@pytest.fixture(scope="module")
def own_database(own_url: str, settings: Settings) -> Iterator[Database]:
    database = opened(own_url, settings)
    yield database
    database.close()


@pytest.mark.parametrize("first", COMMANDS)
def test_two_commands_at_once_end_as_one_after_the_other(
    own_database: Database, first: str
) -> None:
    for second in COMMANDS[COMMANDS.index(first) :]:
        raced = Scene(own_database).run(first, second, at_once=True)
        orders = [Scene(own_database).run(first, second, at_once=False)]
        if raced not in orders:
            (one, two, *left) = Scene(own_database).run(second, first, at_once=False)
            orders.append((two, one, *left))
        assert raced in orders, f"{first} and {second}"


def test_the_books_are_right_after_all_races(own_database: Database) -> None:
    Scene(own_database).run("send", "send_back", at_once=True)
    # The scenes put money into suspense without M-Pesa, which every check admits.
    assert verify_ledger(own_database) == []


# Connections that die -------------------------------------------------------------------------


VICTIM = "cycle-victim"


class Killer:
    """Ends the connections of one pool, as the application's own login may."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)

    def strike(self) -> int:
        row = self.connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = %s",
            (VICTIM,),
        ).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def killer(own_url: str) -> Iterator[Killer]:
    found = Killer(own_url)
    yield found
    found.connection.close()


@pytest.fixture
def victim(own_url: str, settings: Settings) -> Iterator[Database]:
    url = psycopg.conninfo.make_conninfo(own_url, application_name=VICTIM)
    database = opened(url, settings)
    yield database
    database.close()


def effects(database: Database, scene: Scene, command: str) -> int:
    """Count what a command left: its transactions, or its payments with their holds."""
    references = {"deposit": "deposit", "send": "send", "reverse": "reverse"}
    with database.transaction(SYSTEM) as connection:
        if command in references:
            rows = connection.execute(
                "SELECT count(*) AS n FROM transactions WHERE reference = %s",
                (f"{scene.key}:{references[command]}",),
            )
        elif command == "withdraw":
            rows = connection.execute(
                "SELECT count(*) AS n FROM transactions AS t JOIN payments AS p"
                " ON p.id = t.payment_id WHERE p.reference = %s",
                (f"{scene.key}:withdraw",),
            )
        else:
            rows = connection.execute(
                "SELECT count(*) AS n FROM transactions WHERE payment_id = %s"
                " AND kind = 'withdrawal_settlement'",
                (scene.held.id,),
            )
        row = rows.fetchone()
    assert row is not None
    return int(row["n"])


def answer_or_error(command: Callable[[], object]) -> object:
    try:
        return command()
    except (psycopg.OperationalError, PoolTimeout) as error:
        return error


@pytest.mark.timeout(1800)
def test_a_killed_command_happened_once_or_not_at_all(
    own_database: Database, victim: Database, killer: Killer
) -> None:
    chance = random.Random()
    hit = 0
    for number in range(KILLS):
        scene = Scene(own_database)
        scene.database = victim
        name = ("deposit", "send", "withdraw", "reverse", "settle")[number % 5]
        command: Callable[[], object] = getattr(scene, name)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(answer_or_error, command)
            for _ in range(chance.randrange(1, 4)):
                threading.Event().wait(chance.uniform(0, 0.008))
                hit += killer.strike()
            answer = running.result()
        done = effects(own_database, scene, name)
        assert done in (0, 1)
        if not isinstance(answer, Exception):
            assert (said(answer), done) == ("complete" if name == "settle" else "done", 1)
        again = command()
        assert not isinstance(again, Refusal)
        assert effects(own_database, scene, name) == 1, name
        if isinstance(answer, Posted) and isinstance(again, Posted):
            assert (again.receipt, again.replayed) == (answer.receipt, True)
    assert hit > KILLS // 2, "the killer must have met connections"
    assert verify_ledger(own_database) == []


# Waits that end -------------------------------------------------------------------------------


def test_a_deadlock_is_tried_again_and_reaches_nobody(own_database: Database) -> None:
    ids = [new_customer(own_database, 0).id for _ in range(2)]
    barrier = threading.Barrier(2)
    attempts = itertools.count()

    def lock(connection: Connection, order: list[int]) -> str:
        first_time = next(attempts) < 2
        for user_id in order:
            users.take_pin_try(connection, user_id)
            if first_time and user_id == order[0]:
                barrier.wait()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        orders = (ids, ids[::-1])
        answers = list(
            pool.map(
                lambda order: own_database.run(SYSTEM, lambda c: lock(c, order)),
                orders,
            )
        )
    assert answers == ["done", "done"]
    assert next(attempts) == 3, "one of the two was the victim and came again"


@pytest.mark.parametrize(
    ("error", "attempts_wanted"),
    [
        (psycopg.errors.SerializationFailure, ATTEMPTS_MAX),
        (psycopg.errors.DeadlockDetected, ATTEMPTS_MAX),
        (psycopg.errors.AdminShutdown, ATTEMPTS_MAX),
        (psycopg.OperationalError, ATTEMPTS_MAX),
        (psycopg.errors.LockNotAvailable, 1),
        (psycopg.errors.QueryCanceled, 1),
        (psycopg.errors.UniqueViolation, 1),
    ],
)
def test_only_passing_faults_are_tried_again_and_not_for_ever(
    own_database: Database, error: type[psycopg.Error], attempts_wanted: int
) -> None:
    attempts = 0

    def fail(connection: Connection) -> None:
        nonlocal attempts
        attempts += 1
        raise error

    with pytest.raises(error):
        own_database.run(SYSTEM, fail)
    assert attempts == attempts_wanted


def test_every_wait_has_an_end(own_database: Database) -> None:
    with own_database.connection() as connection:
        found = {
            name: connection.execute(f"SHOW {name}").fetchone()
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        }
    assert {name: row and row[name] for name, row in found.items()} == {
        "statement_timeout": "10s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "15s",
    }


def test_an_exhausted_pool_answers_in_time(settings: Settings) -> None:
    database = Database(
        settings.database_url.get_secret_value(),
        pin_pepper=settings.pin_pepper.get_secret_value(),
        pool_max=1,
        pool_timeout_seconds=0.2,
    )
    database.open()
    try:
        with database.connection(), pytest.raises(PoolTimeout):
            database.call(lambda connection: connection.execute("SELECT 1"))
    finally:
        database.close()
    assert settings.database_pool_max == 20
