"""The OpenAPI document is exact: schemathesis plays every operation against the real app.

``CYCLE_FUZZ_SECONDS=300`` plays for minutes instead of once.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import CHECKS, load_all_checks

from ledger.core.access import Role
from ledger.db.engine import Database
from tests.web.api_people import PIN, ApiCustomer, join
from tests.web.api_staff import ApiStaff
from ussd_app.channels.api import limits
from ussd_app.settings import Settings

FUZZ_SECONDS = float(os.environ.get("CYCLE_FUZZ_SECONDS", "0"))
EXAMPLES = 8
Callers = dict[str, dict[str, str]]
"""Whose headers a call carries, by the beginning of its path; others carry none."""
load_all_checks()


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
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 10
    seen: dict[str, set[int]] = defaultdict(set)
    for operation in operations:
        # What the document gives as an example must work, not just validate.
        for examples in operation.get_strategies_from_examples():
            _play(examples, schemathesis.GenerationMode.POSITIVE, callers, 0, seen)
    deadline = time.monotonic() + FUZZ_SECONDS
    round_number = 0
    while round_number == 0 or time.monotonic() < deadline:
        for operation in operations:
            for mode in schemathesis.GenerationMode:
                cases = operation.as_strategy(generation_mode=mode)
                _play(cases, mode, callers, round_number, seen)
        round_number += 1
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


def _play(
    cases: Any,
    mode: schemathesis.GenerationMode,
    callers: Callers,
    round_number: int,
    seen: dict[str, set[int]],
) -> None:
    @seed(round_number)
    @hypothesis_settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def play(case: Any) -> None:
        if mode is schemathesis.GenerationMode.POSITIVE and "pin" in _object(case.body):
            case.body["pin"] = PIN  # or the third guess would lock all that follows
        seen[case.path].add(_check(case, callers))

    play()


_SKIPPED = {
    # Semantics answer 422 to what the schema allows: an unknown recipient, a weak PIN.
    "positive_data_acceptance",
    # Needs a session of its own for each request; logging out is tested elsewhere.
    "ignored_auth",
    "use_after_free",
    "ensure_resource_availability",
}


def _object(body: Any) -> dict[str, Any]:
    return body if isinstance(body, dict) else {}


def _check(case: Any, callers: Callers) -> int:
    headers = next((own for path, own in callers.items() if case.path.startswith(path)), None)
    response = case.call(headers=headers)
    excluded = [check for name, check in _named_checks() if name in _SKIPPED]
    case.validate_response(response, excluded_checks=excluded)
    status: int = response.status_code
    return status


def _named_checks() -> list[tuple[str, Callable[..., Any]]]:
    return [(check.__name__, check) for check in CHECKS.get_all()]
