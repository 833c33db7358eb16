"""Payments, suspense, and statements as files."""

import io
from datetime import UTC, date, datetime

from flask import (
    Blueprint,
    abort,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask.typing import ResponseReturnValue

from jobs.queue import Task, ring
from jobs.statements import make_wallet_statement
from ledger.commands import pauses, paybill
from ledger.core.msisdn import parse_msisdn
from ledger.core.refusals import Refusal
from ledger.core.rules import nairobi_day
from ledger.core.statements import Period
from ledger.db import audit
from ledger.queries import console, users
from ussd_app.channels.admin.guard import MONEY, MONEY_READERS, READERS, context, needs, why
from ussd_app.services import services

STATES = {
    "review": "A person must look at these.",
    "created": "Not sent yet; a worker sends it within seconds.",
    "submitting": "Being sent; if the worker died, its outcome is asked about.",
    "pending": "M-Pesa has it; we wait for the callback, then ask.",
    "unknown": "The answer was lost; we ask M-Pesa until it tells, then a person decides.",
    "completed": "Done.",
    "failed": "Refused or not paid; no money moved, or it went back.",
    "expired": "Nobody answered for a day; a late success still credits it.",
}
_NEWEST = 2**62


def attach(blueprint: Blueprint) -> None:
    """Add the pages of this module."""
    blueprint.add_url_rule("/payments", view_func=payments)
    blueprint.add_url_rule("/suspense", view_func=suspense)
    blueprint.add_url_rule("/suspense/<int:payment_id>", view_func=allocate, methods=["POST"])
    blueprint.add_url_rule("/statements", view_func=statements, methods=["GET", "POST"])


@needs(READERS)
def payments() -> ResponseReturnValue:
    """List payments by state, with what happens next."""
    state = request.args.get("state", "review")
    if state not in STATES:
        abort(404)
    before = request.args.get("before", default=_NEWEST, type=int)
    found = console.payments(services().database, context(), state, before)
    return render_template(
        "admin/payments.html",
        pauses=pauses.open_pauses(services().database, context()),
        states=STATES,
        state=state,
        payments=found,
        next_before=found[-1].id if len(found) == console.PAGE else None,
    )


@needs(MONEY_READERS)
def suspense() -> ResponseReturnValue:
    """List money that nobody's wallet has yet."""
    found = console.suspense(services().database, context())
    return render_template("admin/suspense.html", payments=found)


@needs(MONEY)
def allocate(payment_id: int) -> ResponseReturnValue:
    """Give money in suspense to a customer."""
    reason = why()
    msisdn = parse_msisdn(request.form.get("phone", "")[:40])
    if msisdn is None:
        flash("That is no Kenyan mobile number.", "refused")
        return redirect(url_for("admin.suspense"), 303)
    answer = paybill.allocate(services().database, context(), payment_id, msisdn, why=reason)
    if isinstance(answer, Refusal):
        flash(f"Refused: {answer.code.replace('_', ' ')}.", "refused")
    else:
        ring(services().redis, Task.SEND_SMS)
        flash("Allocated.", "done")
    return redirect(url_for("admin.suspense"), 303)


@needs(READERS)
def statements() -> ResponseReturnValue:
    """Make a customer's statement, and hand the file out."""
    today = nairobi_day(datetime.now(UTC))
    if request.method == "GET":
        phone = request.args.get("phone", "")[:20]
        return render_template("admin/statements.html", today=today, phone=phone)
    reason = why()
    period = _period(today)
    msisdn = parse_msisdn(request.form.get("phone", "")[:40])
    user = None if msisdn is None else users.find(services().database, msisdn)
    if user is None or period is None:
        flash("Nobody has that number, or the days are not right.", "refused")
        return redirect(url_for("admin.statements"), 303)
    out = io.BytesIO()
    made = make_wallet_statement(
        services().database,
        context(),
        user.id,
        period,
        file_format="csv" if request.form.get("format") == "csv" else "pdf",
        public_url=services().settings.public_url,
        out=out,
    )
    if isinstance(made, Refusal):
        abort(400)
    services().database.run(
        context(),
        lambda connection: audit.record(
            connection, "statement.downloaded", "user", user.id, new={"why": reason}
        ),
    )
    out.seek(0)
    return send_file(out, mimetype=made.media_type, as_attachment=True, download_name=made.filename)


def _period(today: date) -> Period | None:
    try:
        first = date.fromisoformat(request.form.get("first", ""))
        last = date.fromisoformat(request.form.get("last", ""))
    except ValueError:
        return None
    period = Period.between(first, last, today)
    return None if isinstance(period, Refusal) else period
