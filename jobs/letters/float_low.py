"""Tells the organisation that the float is low, while withdrawals still work."""

from jobs.letters.letter import Letter
from jobs.services import JobServices
from ledger.core.money import kes
from ledger.db.outbox_sending import Due

template = "float_low"


def compose(services: JobServices, due: Due) -> Letter:
    """Return the alarm for one fall below the threshold."""
    amounts = (
        ("Utility account", due.params.get("utility")),
        ("Alarm below", due.params.get("alarm")),
        ("CASH in our ledger", due.params.get("cash")),
    )
    return Letter(
        language="en",
        subject="Cycle: the M-Pesa float is low",
        heading="The M-Pesa float is low",
        paragraphs=(
            "Withdrawals are paid from the utility account and stop when it is empty. Move money"
            " to it in the M-Pesa portal.",
        ),
        rows=(
            ("Shortcode", str(due.params.get("shortcode", ""))),
            *((label, kes(cents)) for label, cents in amounts if isinstance(cents, int)),
        ),
    )
