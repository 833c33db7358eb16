"""What is kept of every request: one line in the log and one observation, without its content."""

from collections.abc import Mapping
from typing import Any

import structlog

from ussd_app.metrics import REQUEST_SECONDS

_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_log = structlog.get_logger(__name__)


def record(
    rule: str, method: str, status: int, seconds: float, noted: Mapping[str, Any] | None = None
) -> None:
    """Count and log an answered request by its rule, never by its path: paths carry keys.

    ``noted`` are the route's own fields for the line, such as a screen's name.
    """
    REQUEST_SECONDS.labels(rule, method, status).observe(seconds)
    # What a hook takes stands in its inbox table; a second record would only cost time.
    stored = status == 200 and rule.startswith("/hooks/")
    if rule not in _QUIET and not stored:
        _log.info(
            "request",
            method=method,
            route=rule,
            status=status,
            milliseconds=round(seconds * 1000, 1),
            **(noted or {}),
        )
