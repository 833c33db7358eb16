"""Workers that are killed with M-Pesa's money in their hands, as real processes."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from jobs.clients.redis import connect
from jobs.heartbeat import alive
from jobs.queue import Task, ring
from jobs.tasks import submit_payments
from ledger.commands import submissions
from ledger.core.payments import PaymentState
from ledger.db import payments
from standin.engines import redis_server
from standin.processes import Program, Supervisor
from tests.e2e.stack import wait_until
from tests.mpesa_world import TEST, MpesaWorld
from tests.payments.situations import prompted

ROOT = Path(__file__).resolve().parents[2]
_PROCESS_SECONDS = 60
"""Until a new process has done its work, on a machine that has much else to do."""


@pytest.fixture
def stage(
    tmp_path: Path, product_environment: dict[str, str]
) -> Iterator[tuple[Supervisor, Redis]]:
    """A worker of this test alone, with a Redis of its own and the tests' database."""
    with Supervisor(tmp_path / "log") as supervisor:
        engine = redis_server(tmp_path / "redis", durable=False)
        supervisor.start(engine.program)
        client = connect(engine.url)
        supervisor.start(
            Program(
                name="worker",
                command=[sys.executable, "-m", "jobs.worker"],
                environment={
                    **product_environment,
                    "REDIS_URL": engine.url,
                    "PYTHONPATH": str(ROOT),
                },
                directory=ROOT,
            )
        )
        wait_until(lambda: alive(client, "worker") == 1, _PROCESS_SECONDS)
        yield supervisor, client
        client.close()


def test_worker_killed_between_callback_and_credit_loses_and_doubles_nothing(
    world: MpesaWorld, stage: tuple[Supervisor, Redis]
) -> None:
    supervisor, client = stage
    user, payment = prompted(world)
    world.call_back(payment)
    with world.database.transaction(TEST) as connection:
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = '120s'")
        payments.lock(connection, payment.id)
        # Rung again and again, as cron does: a worker gives up on a lock after five seconds.
        wait_until(
            lambda: ring(client, Task.PROCESS_CALLBACKS) and _waits_for_a_lock(world),
            _PROCESS_SECONDS,
        )
        os.kill(supervisor.process_id("worker"), signal.SIGKILL)
    assert world.balance(user) == 0
    assert world.verdicts(payment.token) == [("received", None)]

    supervisor.restart("worker")
    # The killed worker's lock on the body lives until PostgreSQL notices that nobody listens.
    wait_until(
        lambda: ring(client, Task.PROCESS_CALLBACKS) and world.balance(user) == 100_00,
        _PROCESS_SECONDS,
    )
    assert world.told(user) == ["deposit_received"]


def test_worker_lost_after_sending_a_payout_does_not_send_another(world: MpesaWorld) -> None:
    user = world.customer(wallet_shillings=1000)
    payment = world.withdraw(user, 400)
    (claimed,) = submissions.claim_submissions(world.database, 10)
    submit_payments.submit_one(world.services, _daraja(world), claimed)
    with world.database.transaction(TEST) as connection:
        # As if the worker had died before it noted the answer.
        payments.update(
            connection, payment.id, state=PaymentState.SUBMITTING.value, conversation_id=None
        )
    world.query()
    assert world.reload(payment).state is PaymentState.UNKNOWN
    world.status(payment, "Completed")
    world.process()
    assert (world.reload(payment).state, world.balance(user)) == (PaymentState.COMPLETED, 600_00)
    assert len(world.gateway.posted("b2c/v3")) == 1


def _daraja(world: MpesaWorld):  # type: ignore[no-untyped-def]
    return submit_payments.Daraja(
        submit_payments.DarajaAccount.of_settings(world.services.settings), world.services.redis
    )


def _waits_for_a_lock(world: MpesaWorld) -> bool:
    with world.database.connection() as connection:
        row = connection.execute(
            "SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted"
        ).fetchone()
    return row is not None and row["waiting"] > 0
