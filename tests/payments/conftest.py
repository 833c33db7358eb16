from collections.abc import Iterator

import pytest
from flask import Flask
from redis import Redis

from jobs.clients.redis import connect
from jobs.services import JobServices
from ledger.db.engine import Database
from tests.gateway import Gateway
from tests.mpesa_world import TEST, MpesaWorld
from tests.web_process import web_process
from ussd_app.services import Services
from ussd_app.settings import Settings


@pytest.fixture(scope="session")
def running_gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    yield gateway
    gateway.close()


@pytest.fixture(scope="session")
def payments_app(
    settings: Settings, database: Database, redis_url: str, running_gateway: Gateway
) -> Iterator[Flask]:
    """One app for all tests of payments: building one costs more than most tests."""
    own = settings.model_copy(
        update={"mpesa_base_url": running_gateway.url, "public_url": "https://wallet.example"}
    )
    redis = connect(redis_url)
    with web_process(Services(own, database, redis)) as app:
        app.config["TESTING"] = True
        yield app
    redis.close()


@pytest.fixture
def world(
    payments_app: Flask, running_gateway: Gateway, redis_client: Redis
) -> Iterator[MpesaWorld]:
    services: Services = payments_app.extensions["cycle"]
    # Rows of earlier tests stay; what they left open must not join in.
    with services.database.transaction(TEST) as connection:
        connection.execute("UPDATE payments SET due_at = NULL WHERE due_at IS NOT NULL")
        connection.execute(
            "UPDATE mpesa_callbacks SET state = 'processed' WHERE state = 'received'"
        )
    _resume_payouts(services)
    running_gateway.forget()
    yield MpesaWorld(
        JobServices(services.settings, services.database, redis_client),
        payments_app.test_client(),
        running_gateway,
    )
    # Other tests of this process withdraw from the same ledger.
    _resume_payouts(services)


def _resume_payouts(services: Services) -> None:
    with services.database.transaction(TEST) as connection:
        # Those that nobody was written to about would be written about in another test.
        connection.execute(
            "UPDATE payout_pauses SET resumed_at = coalesce(resumed_at, now()),"
            " alarmed_at = coalesce(alarmed_at, now())"
            " WHERE resumed_at IS NULL OR alarmed_at IS NULL"
        )
