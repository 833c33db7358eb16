"""Tells the organisation that SMS do not go out, with what to do about it."""

from jobs.letters.letter import Letter
from jobs.services import JobServices
from ledger.db.outbox_sending import Due

template = "channel_paused"

_ADVICE = {
    "no_credit": "The Africa's Talking account has no credit. Top it up; sending resumes by itself"
    " within five minutes.",
    "on_hold": "Africa's Talking holds the account for risk. Contact their support; sending"
    " resumes by itself.",
    "unreachable": "Africa's Talking can't be reached or refuses our API key. Sending resumes by"
    " itself.",
}


def compose(services: JobServices, due: Due) -> Letter:
    """Return the alarm for one reason."""
    reason = str(due.params.get("reason", "unreachable"))
    return Letter(
        language="en",
        subject="Cycle: SMS are paused",
        heading="SMS are paused",
        paragraphs=(
            _ADVICE.get(reason, _ADVICE["unreachable"]),
            "No message is lost: they wait in the outbox. See: cycle outbox list",
        ),
        rows=(("Reason", reason), ("Channel", str(due.params.get("channel", "sms")))),
    )
