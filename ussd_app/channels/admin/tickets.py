"""Complaints: read them, answer by SMS, close them."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.queue import Task, ring
from ledger.commands import tickets as commands
from ledger.core.gsm7 import septets, to_gsm7
from ledger.core.refusals import Refusal
from ledger.queries import tickets as queries
from ussd_app.channels.admin.guard import PEOPLE, READERS, context, needs, why
from ussd_app.services import services

_STATES = ("open", "closed")


def attach(blueprint: Blueprint) -> None:
    """Add the pages of this module."""
    blueprint.add_url_rule("/complaints", view_func=tickets)
    blueprint.add_url_rule("/complaints/<number>", view_func=ticket)
    blueprint.add_url_rule("/complaints/<number>/answer", view_func=answer_ticket, methods=["POST"])
    blueprint.add_url_rule("/complaints/<number>/close", view_func=close_ticket, methods=["POST"])


@needs(READERS)
def tickets() -> ResponseReturnValue:
    """List complaints by state."""
    state = request.args.get("state", "open")
    if state not in _STATES:
        abort(404)
    found = queries.tickets_in(services().database, context(), state)
    return render_template("admin/tickets.html", states=_STATES, state=state, tickets=found)


@needs(READERS)
def ticket(number: str) -> ResponseReturnValue:
    """Show one complaint with what was done about it."""
    page = queries.ticket(services().database, context(), number)
    if page is None:
        abort(404)
    return render_template("admin/ticket.html", page=page, answer_max=commands.ANSWER_SEPTETS_MAX)


@needs(PEOPLE)
def answer_ticket(number: str) -> ResponseReturnValue:
    """Send the customer an answer."""
    reason, text = why(), " ".join(to_gsm7(request.form.get("answer", "")).split())
    if not 0 < (septets(text) or 0) <= commands.ANSWER_SEPTETS_MAX:
        abort(400, f"An answer has 1 to {commands.ANSWER_SEPTETS_MAX} characters.")
    if "http" in text.lower() or "www." in text.lower():
        abort(400, "An answer holds no link: customers learn to trust none.")
    done = commands.answer_ticket(services().database, context(), number, text, reason)
    ring(services().redis, Task.SEND_SMS)
    return _back(number, done, "Sent.")


@needs(PEOPLE)
def close_ticket(number: str) -> ResponseReturnValue:
    """Close a complaint."""
    done = commands.close_ticket(services().database, context(), number, why())
    return _back(number, done, "Closed.")


def _back(number: str, done: object, words: str) -> ResponseReturnValue:
    if isinstance(done, Refusal):
        flash("There is no such open complaint.", "refused")
    else:
        flash(words, "done")
    return redirect(url_for("admin.ticket", number=number), 303)
