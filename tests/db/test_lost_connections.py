"""Connections that die in the middle of a command, and waits that end."""

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from ledger.core.plans import Posted
from ledger.core.refusals import Refusal
from ledger.db import users
from ledger.db.engine import ATTEMPTS_MAX, Connection, Database
from ledger.queries.verify import verify_ledger
from tests.db.people import SYSTEM
from tests.db.scene import Scene, new_customer, said
from tests.length import AT_LENGTH
from tests.quick_hashing import open_database
from ussd_app.settings import Settings

KILLS = 500 if AT_LENGTH else 21

COMMANDS = ("deposit", "send", "withdraw", "reverse", "settle", "release", "allocate")
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
    database = open_database(settings, url)
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
            kind, payment_id = {
                "settle": ("withdrawal_settlement", scene.held.id),
                "release": ("withdrawal_void", scene.held.id),
                "allocate": ("suspense_allocation", scene.strange),
            }[command]
            rows = connection.execute(
                "SELECT count(*) AS n FROM transactions WHERE payment_id = %s AND kind = %s",
                (payment_id, kind),
            )
        row = rows.fetchone()
    assert row is not None
    return int(row["n"])


def answer_or_error(command: Callable[[], object]) -> object:
    try:
        return command()
    except (psycopg.OperationalError, PoolTimeout) as error:
        return error


@pytest.mark.timeout(3600)
def test_a_killed_command_happened_once_or_not_at_all(
    own_database: Database, victim: Database, killer: Killer
) -> None:
    chance = random.Random()
    hit = 0
    for number in range(KILLS):
        scene = Scene(own_database)
        scene.database = victim
        name = COMMANDS[number % len(COMMANDS)]
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
            expected = {"settle": "complete", "release": "fail"}.get(name, "done")
            assert (said(answer), done) == (expected, 1)
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
        pool_timeout_seconds=2.0,
    )
    database.open()
    try:
        with database.connection(), pytest.raises(PoolTimeout):
            database.call(lambda connection: connection.execute("SELECT 1"))
    finally:
        database.close()
    assert settings.database_pool_max == 20
