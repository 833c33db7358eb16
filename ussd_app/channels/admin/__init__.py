"""The console at /admin: server-rendered pages for staff, without scripts."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, g, render_template, request
from werkzeug.exceptions import HTTPException

from ledger.core.money import grouped_text
from ledger.core.msisdn import local_form
from ledger.core.rules import NAIROBI
from ussd_app.channels.admin import (
    customers,
    guard,
    money,
    overview,
    payment_acts,
    reconciliation,
    session,
    tickets,
)

blueprint = Blueprint(
    "admin",
    __name__,
    url_prefix="/admin",
    template_folder="templates",
    static_folder="static",
)
for part in (session, overview, customers, tickets, money, payment_acts, reconciliation):
    part.attach(blueprint)


@blueprint.before_request
def _before() -> Any:
    if request.endpoint == "admin.upload":
        request.max_content_length = reconciliation.UPLOAD_BYTES
    return guard.check_visitor()


blueprint.after_request(guard.harden)


@blueprint.errorhandler(HTTPException)
def _refused(error: HTTPException) -> tuple[str, int] | Response:
    status = error.code or 500
    words = error.description if status == 400 else _WORDS.get(status, error.name)
    return render_template("admin/problem.html", status=status, words=words), status


_WORDS = {
    403: "Your roles don't include this, or the form was too old. Go back and try again.",
    404: "There is nothing here.",
    413: "The file is too large.",
    429: "Too many requests. Wait a minute.",
}


@blueprint.app_template_filter("shillings")
def _shillings(cents: int | None) -> str:
    """Show cents with thousands separators."""
    return "" if cents is None else grouped_text(cents)


@blueprint.app_template_filter("eat")
def _eat(moment: datetime | None) -> str:
    """Show a moment in Nairobi."""
    return "" if moment is None else f"{moment.astimezone(NAIROBI):%d %b %Y %H:%M:%S}"


@blueprint.app_template_filter("phone")
def _phone(msisdn: str | None) -> str:
    """Show a stored number as Kenyans dial it."""
    return "" if not msisdn else local_form(msisdn)


@blueprint.app_template_filter("words")
def _words(code: str | None) -> str:
    """Show a code as words."""
    return "" if code is None else code.replace("_", " ")


@blueprint.context_processor
def _shared() -> dict[str, Any]:
    visitor = g.get("visitor")
    token = request.cookies.get(guard.COOKIE, "")
    return {
        "visitor": visitor,
        "form_token": guard.form_token(token) if visitor else "",
        "may_move_money": visitor is not None and guard.may(guard.MONEY),
        "may_help": visitor is not None and guard.may(guard.PEOPLE),
        "may_read_money": visitor is not None and guard.may(guard.MONEY_READERS),
        "may_audit": visitor is not None and bool({"admin", "auditor"} & set(visitor.roles)),
    }
