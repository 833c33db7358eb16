from collections.abc import Iterator

import pytest

from ledger.db.engine import Database
from tests.quick_hashing import open_database
from tests.servers import Servers
from ussd_app.settings import Settings


@pytest.fixture(scope="module")
def own_url(servers: Servers) -> Iterator[str]:
    url = servers.clone()
    yield url
    servers.drop(url)


@pytest.fixture(scope="module")
def own_database(own_url: str, settings: Settings) -> Iterator[Database]:
    database = open_database(settings, own_url)
    yield database
    database.close()
