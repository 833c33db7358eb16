"""Tells the organisation that a reconciliation found something, or could not read everything."""

from jobs.letters.letter import Letter
from jobs.services import JobServices
from ledger.db.outbox_sending import Due

template = "reconciliation_report"

_WORDS = {
    "warning": "M-Pesa and the ledger differ. Each difference waits for a decision.",
    "incomplete": "A source could not be read, so finding nothing would prove nothing."
    " The run should be repeated.",
    "failed": "The run broke off. The worker's log says why.",
}


def compose(services: JobServices, due: Due) -> Letter:
    """Return the report of one run."""
    state = str(due.params.get("state", ""))
    run = str(due.params.get("run", ""))
    return Letter(
        language="en",
        subject=f"Cycle: reconciliation run {run} ended {state}",
        heading=f"Reconciliation run {run} ended {state}",
        paragraphs=(
            _WORDS.get(state, "The run has ended."),
            f"See it at {services.settings.public_url}/admin/reconciliation/{run}",
        ),
        rows=(
            ("New", str(due.params.get("new_items", ""))),
            ("Found", str(due.params.get("found", "")).replace("_", " ")),
        ),
    )
