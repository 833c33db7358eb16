"""Tells the organisation that withdrawals have stopped, and what a person must mend."""

from jobs.letters.letter import Letter
from jobs.services import JobServices
from ledger.db.outbox_sending import Due

template = "payouts_paused"

_ADVICE = {
    "out_of_float": "The utility account has too little money. Move money from the working account"
    " to it in the M-Pesa portal; withdrawals go on by themselves once we read a balance above"
    " the alarm.",
    "account_state": "M-Pesa says that our account is not active. Call Safaricom, then let"
    " withdrawals go on in the console.",
    "initiator_not_allowed": "The API operator lacks the role for payouts. Grant it in the M-Pesa"
    " portal, then let withdrawals go on in the console.",
    "initiator_invalid": "M-Pesa refused the API operator's name, password or certificate. Mend it"
    " before anything else: more tries lock the operator. Then let withdrawals go on in the"
    " console.",
    "initiator_locked": "The API operator is locked. Set a new password in the M-Pesa portal and"
    " in our settings, then let withdrawals go on in the console.",
    "product_not_assigned": "Our shortcode may not pay out. Call Safaricom, then let withdrawals"
    " go on in the console.",
}
_UNLISTED = "Find out what M-Pesa wants, then let withdrawals go on in the console."


def compose(services: JobServices, due: Due) -> Letter:
    """Return the alarm for one stop."""
    reason = str(due.params.get("reason", ""))
    return Letter(
        language="en",
        subject="Cycle: withdrawals are paused",
        heading="Withdrawals are paused",
        paragraphs=(
            _ADVICE.get(reason, _UNLISTED),
            "No money is lost. The customer whose withdrawal failed has the money back, those that"
            " wait keep it on hold, and new ones are refused with an apology.",
        ),
        rows=(
            ("Reason", reason),
            ("M-Pesa's code", str(due.params.get("code", ""))),
            ("Payment", str(due.params.get("payment", ""))),
        ),
    )
