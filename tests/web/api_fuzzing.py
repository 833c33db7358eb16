"""schemathesis plays the operations of the API's own document, and looks at each answer."""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import CHECKS, load_all_checks

from tests.web.api_people import PIN

EXAMPLES = 8
Callers = dict[str, dict[str, str]]
"""Whose headers a call carries, by the beginning of its path; others carry none."""
load_all_checks()


def play_every_operation(app: Flask, callers: Callers, seconds: float) -> dict[str, set[int]]:
    """Play all once, then on for some seconds; return the statuses seen, by path."""
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 10
    seen: dict[str, set[int]] = defaultdict(set)
    for operation in operations:
        # What the document gives as an example must work, not just validate.
        for examples in operation.get_strategies_from_examples():
            _play(examples, schemathesis.GenerationMode.POSITIVE, callers, 0, seen)
    deadline = time.monotonic() + seconds
    round_number = 0
    while round_number == 0 or time.monotonic() < deadline:
        for operation in operations:
            for mode in schemathesis.GenerationMode:
                cases = operation.as_strategy(generation_mode=mode)
                _play(cases, mode, callers, round_number, seen)
        round_number += 1
    return seen


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
