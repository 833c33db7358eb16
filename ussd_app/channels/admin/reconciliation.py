"""Reconciliation in the console: runs, what they found, what people do about it."""

from datetime import UTC, date, datetime, timedelta
from typing import BinaryIO, cast

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.queue import Task, ring
from ledger.commands import portal_statements, reconcile, reconciliation_items
from ledger.core.portal_statement import StatementError
from ledger.core.reconciliation import (
    DUAL_CONTROL_CENTS,
    ItemAction,
    RunKind,
    Window,
    window_of_day,
)
from ledger.core.refusals import Refusal
from ledger.queries import reconciliation
from ussd_app.channels.admin.guard import MONEY, MONEY_READERS, context, needs, visitor, why
from ussd_app.services import services

UPLOAD_BYTES = 64 << 20
_ACTIONS = {"resolve": ItemAction.NOTE, "credit": ItemAction.CREDIT}


def attach(blueprint: Blueprint) -> None:
    """Add the pages of this module."""
    blueprint.add_url_rule("/reconciliation", view_func=runs)
    blueprint.add_url_rule("/reconciliation/<int:run_id>", view_func=run)
    blueprint.add_url_rule("/reconciliation/start", view_func=start, methods=["POST"])
    blueprint.add_url_rule("/reconciliation/upload", view_func=upload, methods=["POST"])
    blueprint.add_url_rule(
        "/reconciliation/items/<int:item_id>/<action>",
        endpoint="act_on_item",
        view_func=act,
        methods=["POST"],
    )


@needs(MONEY_READERS)
def runs() -> ResponseReturnValue:
    """Show what is open, and the newest runs."""
    database = services().database
    return render_template(
        "admin/reconciliation.html",
        items=reconciliation.items(database, context(), "pending"),
        runs=reconciliation.history(database, context(), 30),
        today=datetime.now(UTC).date(),
        dual=DUAL_CONTROL_CENTS,
        me=f"admin:{visitor().admin_id}",
    )


@needs(MONEY_READERS)
def run(run_id: int) -> ResponseReturnValue:
    """Show one run."""
    found = reconciliation.report(services().database, context(), run_id)
    if found is None:
        abort(404)
    return render_template(
        "admin/run.html",
        run=found.run,
        items=found.items,
        dual=DUAL_CONTROL_CENTS,
        me=f"admin:{visitor().admin_id}",
    )


@needs(MONEY_READERS)
def start() -> ResponseReturnValue:
    """Have a worker compare a day, the last 24 hours, or prove the ledger."""
    now = datetime.now(UTC)
    window: Window | None = Window(now - timedelta(hours=24), now)
    kind = RunKind.MPESA
    if request.form.get("kind") == RunKind.LEDGER:
        kind, window = RunKind.LEDGER, None
    elif request.form.get("day"):
        try:
            window = window_of_day(date.fromisoformat(request.form["day"]))
        except ValueError:
            abort(400, "That is no day.")
    run_id = reconcile.request(services().database, context(), kind, window)
    ring(services().redis, Task.RECONCILE)
    return redirect(url_for("admin.run", run_id=run_id), 303)


@needs(MONEY)
def upload() -> ResponseReturnValue:
    """Load a statement of the M-Pesa organisation portal."""
    file = request.files.get("statement")
    if file is None or not file.filename:
        abort(400, "Choose a CSV file.")
    try:
        loaded = portal_statements.load(
            services().database, context(), cast(BinaryIO, file.stream), file.filename
        )
    except StatementError as error:
        flash(f"Not loaded: {error}.", "refused")
    else:
        flash(f"{loaded.rows} rows, {loaded.new_records} of them new.", "done")
    return redirect(url_for("admin.runs"), 303)


@needs(MONEY)
def act(item_id: int, action: str) -> ResponseReturnValue:
    """Close an item, with or without a correction."""
    database, notes = services().database, why()
    if action == "ignore":
        answer = reconciliation_items.ignore(database, context(), item_id, notes)
    elif action in _ACTIONS:
        answer = reconciliation_items.resolve(database, context(), item_id, notes, _ACTIONS[action])
    else:
        abort(404)
    if isinstance(answer, Refusal):
        flash(f"Refused: {answer.code.replace('_', ' ')}.", "refused")
    elif answer.state == "pending":
        flash("Proposed. A second member of staff must confirm it.", "done")
    else:
        flash("Closed.", "done")
    return redirect(url_for("admin.runs"), 303)
