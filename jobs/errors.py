"""Optional reports of unexpected errors to Sentry, stripped of whatever names a customer."""

from typing import Any, cast

from jobs.logging import clean
from jobs.settings import JobSettings

_KEPT = ("exception", "level", "logger", "platform", "environment", "release", "timestamp")


def report_errors(settings: JobSettings, *, transport: Any = None) -> None:
    """Start reporting when SENTRY_DSN is set; ``transport`` replaces the network in tests.

    Requests (their paths hold keys), bodies, local variables and breadcrumbs never leave.
    """
    if settings.sentry_dsn is None:
        return
    import sentry_sdk  # only those who report pay for the import

    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(),
        environment=str(settings.environment),
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_enabling_integrations=False,
        before_send=_strip,
        transport=transport,
    )


def _strip(event: Any, _hint: dict[str, Any]) -> Any:
    kept = {key: event[key] for key in _KEPT if key in event}
    return {"event_id": event["event_id"], **cast(dict[str, Any], clean(kept))}
