"""STK query (Daraja 1.7): what became of a prompt. Gives no receipt and no amount."""

from dataclasses import dataclass
from datetime import datetime

from jobs.clients.mpesa.clock import compact, now_utc
from jobs.clients.mpesa.outcomes import Answer, Api, Outcome
from jobs.clients.mpesa.stk_push import password
from jobs.clients.mpesa.transport import Daraja

STILL_PROCESSING = "4999"


@dataclass(frozen=True, slots=True)
class PromptVerdict:
    """The final result of a prompt: ``code`` as in the callback, and its text."""

    code: str
    text: str


def query(daraja: Daraja, checkout_request_id: str, moment: datetime | None = None) -> Answer:
    """Ask for the state of one prompt."""
    account = daraja.account
    timestamp = compact(moment or now_utc())
    return daraja.post(
        Api.STK_QUERY,
        "/mpesa/stkpushquery/v1/query",
        {
            "BusinessShortCode": account.shortcode,
            "Password": password(account.shortcode, account.passkey, timestamp),
            "Timestamp": timestamp,
            "CheckoutRequestID": checkout_request_id,
        },
    )


def verdict(answer: Answer) -> PromptVerdict | None:
    """Return the verdict in an answer, or None: 500.001.1001 and 4999 never are one."""
    if answer.outcome is not Outcome.ACCEPTED:
        return None
    code = answer.field_text("ResultCode")
    if code is None or code == STILL_PROCESSING:
        return None
    return PromptVerdict(code, answer.field_text("ResultDesc", 200) or "")
