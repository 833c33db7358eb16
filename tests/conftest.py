"""Fixtures that every test may use: real servers, the product's settings, the web app."""

import gc
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings
from redis import Redis

from jobs.clients.redis import connect
from jobs.services import JobServices
from ledger.db.engine import Database
from standin.development import DevelopmentSecrets, environment
from tests.quick_hashing import open_database
from tests.servers import ServerRun, Servers
from tests.web_process import web_process
from ussd_app.services import Services
from ussd_app.settings import Settings

# A busy machine makes no property false: how long an example takes is not judged.
hypothesis_settings.register_profile("cycle", deadline=None)
hypothesis_settings.load_profile("cycle")

# With xdist the controller starts the servers and tells the workers where they are; else
# the first test that needs them starts them.
_run: ServerRun | None = None


def _started() -> ServerRun:
    global _run
    if _run is None:
        _run = ServerRun()
        _run.start()
    return _run


HOPS_OF_THE_SUITE = 600


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the hidden-input test be played at full length."""
    parser.addoption("--hops", type=int, default=HOPS_OF_THE_SUITE, help="hops of the random play")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while the tests are imported, and later for none among them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that wait for whole processes: at the end others would wait for them."""
    items.sort(
        key=lambda item: (not item.nodeid.startswith("tests/e2e/"), "ends_up" in item.keywords)
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker where the servers are, and which Redis database is its own."""
    servers = _started().servers
    assert servers is not None
    node.workerinput["servers"] = (servers.postgres_url, servers.redis_url, servers.template)


def pytest_unconfigure() -> None:
    """Stop the servers with the process that started them."""
    global _run
    if _run is not None:
        _run.stop()
        _run = None


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Servers:
    """The run's PostgreSQL and Redis, and a migrated template to clone databases from."""
    told = getattr(request.config, "workerinput", {}).get("servers")
    if told is not None:
        return Servers(*told)
    started = _started().servers
    assert started is not None
    return started


@pytest.fixture(scope="session")
def database_owner_url(servers: Servers) -> Iterator[str]:
    """A migrated database of this test process, as its owner. Rows stay: use new people."""
    url = servers.clone()
    yield url
    servers.drop(url)


@pytest.fixture(scope="session")
def redis_url(servers: Servers, worker_id: str) -> str:
    """A Redis database of this test process alone."""
    number = int(worker_id.removeprefix("gw")) + 1 if worker_id.startswith("gw") else 1
    return urlsplit(servers.redis_url)._replace(path=f"/{number}").geturl()


@pytest.fixture(scope="session")
def development_secrets(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentSecrets:
    """Generated secrets and a stand-in for Safaricom's certificate."""
    return DevelopmentSecrets.of_folder(tmp_path_factory.mktemp("secrets"))


@pytest.fixture(scope="session")
def product_environment(
    database_owner_url: str, redis_url: str, development_secrets: DevelopmentSecrets
) -> dict[str, str]:
    """All variables of a development machine; nothing listens at the stand-in's address."""
    return environment(
        development_secrets,
        database_url=database_owner_url,
        redis_url=redis_url,
        web_url="http://127.0.0.1:9",
        standin_url="http://127.0.0.1:9",
        smtp_port=9,
    )


@pytest.fixture(scope="session")
def settings(product_environment: dict[str, str]) -> Settings:
    """The product's settings for the tests' servers."""
    return settings_of(product_environment)


def settings_of(variables: dict[str, str]) -> Settings:
    """Return settings from variables alone, whatever the real environment holds."""
    return Settings.model_validate({name.lower(): value for name, value in variables.items()})


@pytest.fixture(scope="session")
def database(settings: Settings) -> Iterator[Database]:
    """The ledger's database as the application role; rows stay between tests."""
    opened = open_database(settings)
    yield opened
    opened.close()


@pytest.fixture
def fresh_database_url(servers: Servers) -> Iterator[str]:
    """A migrated database of this test alone, as its owner."""
    url = servers.clone()
    yield url
    servers.drop(url)


@pytest.fixture
def fresh_database(fresh_database_url: str, settings: Settings) -> Iterator[Database]:
    """A database of this test alone, for sums over everybody and for corruption."""
    opened = open_database(settings, fresh_database_url)
    yield opened
    opened.close()


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[Redis]:
    """An empty Redis database."""
    client = connect(redis_url)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture
def job_services(settings: Settings, database: Database, redis_client: Redis) -> JobServices:
    """What a task's ``run`` is handed."""
    return JobServices(settings, database, redis_client)


@pytest.fixture(scope="session")
def web_app(settings: Settings, database: Database, redis_url: str) -> Iterator[Flask]:
    """One app for all tests of a process: building one costs more than most tests."""
    redis = connect(redis_url)
    with web_process(Services(settings, database, redis)) as built:
        built.config["TESTING"] = True
        yield built
    redis.close()


@pytest.fixture
def app(web_app: Flask, redis_client: Redis) -> Flask:
    """The web process's app, on an empty Redis; who changes the app itself builds another."""
    return web_app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the web app."""
    return app.test_client()


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder of the checkout."""
    return Path(__file__).resolve().parents[1]
