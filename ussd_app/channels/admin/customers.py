"""Customers: find them, see what happened, help them."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jobs.queue import Task, ring
from ledger.commands import console as commands
from ledger.commands import pins, profiles
from ledger.core.refusals import Refusal
from ledger.queries import console
from ussd_app.channels.admin.guard import PEOPLE, READERS, context, needs, why
from ussd_app.services import services

_WORDS = {
    "payment_pending": "A payment is still open; wait for its verdict.",
    "wallet_not_empty": "There is money in the wallet; it must be paid out first.",
    "account_closed": "The wallet is closed for good.",
    "account_frozen": "The wallet is frozen; unfreeze it first.",
    "state_conflict": "That can't be done to it.",
}


def attach(blueprint: Blueprint) -> None:
    """Add the pages of this module."""
    blueprint.add_url_rule("/customers", view_func=customers)
    blueprint.add_url_rule("/customers/<int:user_id>", view_func=customer)
    blueprint.add_url_rule(
        "/customers/<int:user_id>/<action>",
        endpoint="act_on_customer",
        view_func=act,
        methods=["POST"],
    )


@needs(READERS)
def customers() -> ResponseReturnValue:
    """Find customers by phone or reference."""
    text = request.args.get("q", "")[:40].strip()
    found = console.search(services().database, context(), text) if text else []
    if len(found) == 1:
        return redirect(url_for("admin.customer", user_id=found[0].id))
    return render_template("admin/customers.html", text=text, found=found)


@needs(READERS)
def customer(user_id: int) -> ResponseReturnValue:
    """Show one customer."""
    page = console.customer(services().database, context(), user_id)
    if page is None:
        abort(404)
    return render_template("admin/customer.html", page=page)


@needs(PEOPLE)
def act(user_id: int, action: str) -> ResponseReturnValue:
    """Do what the form asks for, and say what became of it."""
    database, reason = services().database, why()
    outcome: object = None
    if action == "freeze":
        outcome = profiles.freeze_wallet(database, context(), user_id, reason)
    elif action == "unfreeze":
        outcome = profiles.unfreeze_wallet(database, context(), user_id, reason)
    elif action == "close":
        outcome = profiles.close_wallet(database, context(), user_id, reason)
    elif action == "unlock-pin":
        pins.unlock_pin(database, context(), user_id, reason)
    elif action == "resend":
        message_id = request.form.get("message", type=int) or 0
        outcome = commands.resend_message(database, context(), user_id, message_id, reason)
        ring(services().redis, Task.SEND_SMS)
    else:
        abort(404)
    if isinstance(outcome, Refusal):
        flash(_WORDS.get(outcome.code, f"Refused: {outcome.code}."), "refused")
    else:
        flash("Done.", "done")
    return redirect(url_for("admin.customer", user_id=user_id), 303)
