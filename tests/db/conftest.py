from collections.abc import Iterator

import pytest

from ledger.db.engine import Database
from tests.db.scene import opened
from tests.servers import Servers
from ussd_app.settings import Settings


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
