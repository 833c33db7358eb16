"""What finance decides about payments over M-Pesa: return one, close a review, resume payouts."""

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from jobs.queue import Task, ring
from ledger.commands import deposit_reversals, pauses, payment_reviews
from ledger.core.refusals import Refusal
from ussd_app.channels.admin.guard import MONEY, context, needs, why
from ussd_app.services import services


def attach(blueprint: Blueprint) -> None:
    """Add the actions of this module."""
    for rule, view in (
        ("/payments/<int:payment_id>/return", send_back),
        ("/payments/<int:payment_id>/reviewed", close_review),
        ("/pauses/<int:pause_id>/resume", resume),
    ):
        blueprint.add_url_rule(rule, view_func=view, methods=["POST"])


@needs(MONEY)
def send_back(payment_id: int) -> ResponseReturnValue:
    """Hold a payment's money and ask M-Pesa to return it to its payer."""
    made = deposit_reversals.request_reversal(services().database, context(), payment_id, why())
    if not isinstance(made, Refusal):
        ring(services().redis, Task.SUBMIT_PAYMENTS)
    return _told(made, "M-Pesa is asked to return it; the money is on hold until it answers.")


@needs(MONEY)
def close_review(payment_id: int) -> ResponseReturnValue:
    """Take a payment off the list of those that a person must look at."""
    refusal = payment_reviews.close(services().database, context(), payment_id, why())
    return _told(refusal, "Closed.")


@needs(MONEY)
def resume(pause_id: int) -> ResponseReturnValue:
    """Let payouts go on after the cause of a stop was mended."""
    refusal = pauses.resume(services().database, context(), pause_id, why=why())
    if refusal is None:
        ring(services().redis, Task.SUBMIT_PAYMENTS)
    return _told(refusal, "Resumed.")


def _told(outcome: object, done: str) -> ResponseReturnValue:
    if isinstance(outcome, Refusal):
        flash(f"Refused: {outcome.code.replace('_', ' ')}.", "refused")
    else:
        flash(done, "done")
    return redirect(url_for("admin.payments"), 303)
