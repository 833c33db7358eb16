from collections.abc import Iterator

import pytest
from redis import Redis

from jobs.services import JobServices
from ledger.db.engine import Database
from tests.gateway import Gateway
from tests.mpesa_world import TEST, MpesaWorld
from ussd_app.services import Services
from ussd_app.settings import Settings
from ussd_app.web import create_app


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    yield gateway
    gateway.close()


@pytest.fixture
def world(
    settings: Settings, database: Database, redis_client: Redis, gateway: Gateway
) -> MpesaWorld:
    own = settings.model_copy(
        update={"mpesa_base_url": gateway.url, "public_url": "https://wallet.example"}
    )
    # Rows of earlier tests stay; what they left open must not join in.
    with database.transaction(TEST) as connection:
        connection.execute("UPDATE payments SET due_at = NULL WHERE due_at IS NOT NULL")
        connection.execute(
            "UPDATE mpesa_callbacks SET state = 'processed' WHERE state = 'received'"
        )
        connection.execute("UPDATE payout_pauses SET resumed_at = now() WHERE resumed_at IS NULL")
    app = create_app(Services(own, database, redis_client))
    app.config["TESTING"] = True
    return MpesaWorld(JobServices(own, database, redis_client), app.test_client(), gateway)
