"""What Africa's Talking tells about SMS: texts, delivery reports, opt-outs. Stored, 200 at once."""

from datetime import UTC, datetime

from flask import Blueprint, Response, request

from jobs.queue import Task, ring
from ledger.core.context import Context
from ledger.core.msisdn import parse_msisdn
from ledger.db import audit, inbound_sms, outbox_sending, sms_reports
from ledger.db.inbound_sms import NewText
from ledger.db.sms_reports import Report
from ussd_app.at_key import keyed, read_form
from ussd_app.keywords.engine import understand
from ussd_app.keywords.reading import clean
from ussd_app.services import services

blueprint = Blueprint("sms", __name__)
_CONTEXT = Context.of_system("sms")

_FINAL_STATES = {
    "success": "delivered",
    "failed": "failed",
    "rejected": "failed",
    "absentsubscriber": "failed",
    "expired": "failed",
}
"""Every other status, also one not known yet, leaves the message on its way."""
_OPTED_OUT_REASON = "userinblacklist"


_TEXT_BODY_BYTES = 64 * 1024
"""A long text of three-byte characters, percent-encoded, is larger than other forms."""


@blueprint.post("/at/<key>/sms")
@keyed
def text() -> Response:
    """Keep a customer's text under its id, without what looks like a PIN; a job answers it."""
    request.max_content_length = _TEXT_BODY_BYTES
    form = read_form(request.form, "id", "from", optional=("to", "text", "date", "networkCode"))
    understood = understand(clean(form["text"]))
    arrived = NewText(
        provider_id=form["id"][:100],
        sender=parse_msisdn(form["from"]) or form["from"][:40],
        recipient=form["to"][:40],
        body=understood.safe_text,
        network_code=form["networkCode"][:10],
        sent_at=parse_date(form["date"]),
        held_pin=understood.held_pin,
    )
    with services().database.transaction(_CONTEXT) as connection:
        is_new = inbound_sms.store(connection, arrived)
    if is_new:
        ring(services().redis, Task.PROCESS_INBOUND_SMS)
    return _received()


def parse_date(date: str) -> datetime | None:
    """Read any of the recorded spellings; without a zone it is UTC. None when unreadable."""
    try:
        moment = datetime.fromisoformat(date.strip())
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


@blueprint.post("/at/<key>/sms-reports")
@keyed
def report() -> Response:
    """Keep a delivery report; a job applies it. Reports repeat and overtake each other."""
    form = read_form(request.form, "id", "status", optional=("failureReason", "networkCode"))
    arrived = Report(
        provider_id=form["id"][:100],
        status=form["status"][:40],
        failure_reason=form["failureReason"][:60],
        network_code=form["networkCode"][:10],
        final_state=_final_state(form["status"], form["failureReason"]),
    )
    with services().database.transaction(_CONTEXT) as connection:
        sms_reports.store(connection, arrived)
    ring(services().redis, Task.APPLY_SMS_REPORTS)
    return _received()


def _final_state(status: str, reason: str) -> str | None:
    state = _FINAL_STATES.get(status.lower())
    if state == "failed" and reason.lower() == _OPTED_OUT_REASON:
        return "opted_out"
    return state


@blueprint.post("/at/<key>/opt-outs")
@keyed
def opt_out() -> Response:
    """Note that a customer refuses our SMS until they text START."""
    form = read_form(request.form, "phoneNumber", optional=("senderId",))
    msisdn = parse_msisdn(form["phoneNumber"])
    if msisdn is not None:
        with services().database.transaction(_CONTEXT) as connection:
            user_id = outbox_sending.mark_opted_out(connection, msisdn)
            if user_id is not None:
                audit.record(connection, "sms.opted_out", "user", user_id)
    return _received()


def _received() -> Response:
    return Response("OK\n", content_type="text/plain")
