import pytest
from flask import Flask
from flask.testing import FlaskClient

from ledger.core.access import Role
from ledger.db.engine import Database
from tests.web.api_people import ApiCustomer, join
from tests.web.console_visitor import Visitor
from ussd_app.settings import Settings


@pytest.fixture
def admin(app: Flask, database: Database, settings: Settings) -> Visitor:
    return Visitor(app, database, settings, *Role)


@pytest.fixture
def customer(client: FlaskClient, database: Database, settings: Settings) -> ApiCustomer:
    return join(client, database, settings, balance=100_000)


@pytest.fixture
def wanjiku(client: FlaskClient, database: Database, settings: Settings) -> ApiCustomer:
    return join(client, database, settings, balance=100_000)


@pytest.fixture
def otieno(client: FlaskClient, database: Database, settings: Settings) -> ApiCustomer:
    return join(client, database, settings, first="Otieno")
