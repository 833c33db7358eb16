"""How USSD sessions ended, told by Africa's Talking after the last hop.

Events are evidence and never control: some sessions get none. The transcript and the last screen
that come with one are not even read.
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import psycopg
import structlog
from flask import Blueprint, Response, request
from psycopg_pool import PoolTimeout
from redis import RedisError

from ledger.commands import ussd_sessions
from ledger.core.contact import SessionOutcome, UssdSession
from ussd_app import funnel
from ussd_app.at_key import keyed, read_form
from ussd_app.channels.api.limits import limiter
from ussd_app.funnel import Figure
from ussd_app.services import services

SECONDS_MAX = 3_600
"""Operators end a session after 180 s (facts 1.3); more than this is nonsense."""
_SCREENS_MAX = 100

blueprint = Blueprint("ussd_events", __name__)
limiter.exempt(blueprint)  # they come from the gateway's few addresses
_log = structlog.get_logger(__name__)

_COUNTED = {
    SessionOutcome.HUNG_UP: Figure.HANG_UPS,
    SessionOutcome.TIMED_OUT: Figure.TIMEOUTS,
    SessionOutcome.FAILED: Figure.FAILURES,
}


@blueprint.post("/at/<key>/ussd-events")
@keyed
def event() -> Response:
    """Count how a session ended, and keep what support may know of it (facts 1.4)."""
    form = read_form(
        request.form,
        "sessionId",
        "status",
        optional=("phoneNumber", "networkCode", "hopsMetadata", "durationInMillis"),
    )
    try:
        silence = services().sessions.end(form["sessionId"])
        outcome = None if silence is None else _outcome(form["status"], silence)
        place = funnel.place_of_event(form["hopsMetadata"], form["networkCode"])
        if outcome in _COUNTED and place is not None:
            funnel.add(services().redis, place, _COUNTED[outcome])
        if outcome is not None:
            ussd_sessions.keep(services().database, _session(form, outcome))
    except (RedisError, psycopg.Error, PoolTimeout) as error:
        _log.warning("ussd_event_lost", error=type(error).__name__)
    return Response("OK\n", content_type="text/plain")


def _outcome(status: str, silence_seconds: int) -> SessionOutcome | None:
    match status.lower():
        case "success":
            return SessionOutcome.COMPLETED
        case "incomplete":
            waited = silence_seconds >= funnel.TIMEOUT_SECONDS
            return SessionOutcome.TIMED_OUT if waited else SessionOutcome.HUNG_UP
        case "failed":
            return SessionOutcome.FAILED
        case _:
            return None


def _session(form: dict[str, str], outcome: SessionOutcome) -> UssdSession:
    milliseconds = form["durationInMillis"]
    is_number = milliseconds.isascii() and milliseconds.isdigit() and len(milliseconds) < 10
    seconds = min(int(milliseconds) // 1000, SECONDS_MAX) if is_number else 0
    secret = services().settings.secret_key.get_secret_value().encode()
    digest = hmac.digest(secret, f"ussd event:{form['sessionId']}".encode(), hashlib.sha256)
    return UssdSession(
        digest=digest.hex(),
        msisdn=form["phoneNumber"],
        began_at=datetime.now(UTC) - timedelta(seconds=seconds),
        seconds=seconds,
        network=funnel.network_of(form["networkCode"]),
        outcome=outcome,
        screens=funnel.screens_of_event(form["hopsMetadata"])[-_SCREENS_MAX:],
    )
