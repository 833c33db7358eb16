"""The OpenAPI document is exact: schemathesis plays every operation against the real app.

``CYCLE_FUZZ_SECONDS=300`` plays for minutes instead of once.
"""

import os
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ledger.core.access import Role
from ledger.db.engine import Database
from tests.web.api_people import ApiCustomer, join
from tests.web.api_staff import ApiStaff
from ussd_app.channels.api import limits
from ussd_app.settings import Settings

FUZZ_SECONDS = float(os.environ.get("CYCLE_FUZZ_SECONDS", "0"))


@pytest.fixture
def wanjiku(client: FlaskClient, database: Database, settings: Settings) -> ApiCustomer:
    return join(client, database, settings, balance=1_000_000)


@pytest.fixture
def officer(client: FlaskClient, database: Database, settings: Settings) -> ApiStaff:
    return ApiStaff(client, database, settings, Role.FINANCE).signed_in()


@pytest.fixture
def _without_limits(app: Flask) -> Any:
    limits.limiter.enabled = False
    yield
    limits.limiter.enabled = True


def test_the_document_names_every_route_of_the_api(app: Flask, client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    served = {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and rule.rule != "/api/openapi.json"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {
        (path, method) for path, methods in document["paths"].items() for method in methods
    }
    assert described == served


@pytest.mark.usefixtures("_without_limits")
@pytest.mark.timeout(FUZZ_SECONDS * 2 + 240)
def test_every_operation_behaves_as_described(
    app: Flask, wanjiku: ApiCustomer, officer: ApiStaff
) -> None:
    callers = {"/api/wallet/": wanjiku.headers, "/api/reconciliation/": officer.headers}
    # Here, for only one of the test processes needs schemathesis.
    from tests.web.api_fuzzing import play_every_operation

    seen = play_every_operation(app, callers, FUZZ_SECONDS)
    # The play is worth something only if it gets past the doors.
    for path, status in (
        ("/api/wallet/balance", 200),
        ("/api/wallet/transactions", 200),
        ("/api/wallet/transactions", 400),
        ("/api/wallet/transfer", 422),
        ("/api/wallet/deposit", 422),
        ("/api/wallet/withdraw", 422),
        ("/api/wallet/statement", 200),
        ("/api/reconciliation/mpesa", 201),
        ("/api/reconciliation/history", 200),
        ("/api/auth/otp", 202),
        ("/api/auth/otp", 422),
    ):
        assert status in seen[path], (path, seen[path])
