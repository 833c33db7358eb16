"""Pull transactions (Daraja 1.13): what customers paid us in the last 48 hours."""

from dataclasses import dataclass
from datetime import datetime

from jobs.clients.mpesa.clock import spaced
from jobs.clients.mpesa.outcomes import Answer, Api, Outcome, clean_text
from jobs.clients.mpesa.shillings import cents_of
from jobs.clients.mpesa.transport import Daraja

NO_DATA = "1001"
"""Nothing in range, or Pull is not provisioned: Daraja does not tell the two apart."""

_PAGES_MAX = 200


@dataclass(frozen=True, slots=True)
class PulledTransaction:
    """One paybill or STK payment as Pull reports it; ``completed_at`` is Daraja's own text."""

    receipt: str
    amount_cents: int | None
    msisdn: str
    bill_reference: str
    completed_at: str
    kind: str


@dataclass(frozen=True, slots=True)
class PulledWindow:
    """What a window held. ``proven`` is False when Daraja gave no data or an error."""

    transactions: list[PulledTransaction]
    proven: bool
    code: str
    text: str


def register(daraja: Daraja, *, nominated_number: str, callback_url: str) -> Answer:
    """Register the shortcode for Pull, once; 1001 says that it was registered before."""
    return daraja.post(
        Api.PULL,
        "/pulltransactions/v1/register",
        {
            "ShortCode": daraja.account.shortcode,
            "RequestType": "Pull",
            "NominatedNumber": nominated_number,
            "CallBackURL": callback_url,
        },
    )


def pull_window(daraja: Daraja, start: datetime, end: datetime) -> PulledWindow:
    """Read all payments between two aware moments, page by page, each receipt once.

    The offset counts rows here. A server that counts pages repeats rows, which ends the loop.
    """
    found: dict[str, PulledTransaction] = {}
    for _ in range(_PAGES_MAX):
        answer = _page(daraja, start, end, offset=len(found))
        if answer.outcome is not Outcome.ACCEPTED:
            proven = bool(found) and answer.code == NO_DATA
            return PulledWindow(list(found.values()), proven, answer.code, answer.text)
        fresh = [row for row in rows(answer) if row.receipt not in found]
        if not fresh:
            return PulledWindow(list(found.values()), bool(found), answer.code, answer.text)
        found.update((row.receipt, row) for row in fresh)
    return PulledWindow(list(found.values()), False, "too_many_pages", "window is too large")


def rows(answer: Answer) -> list[PulledTransaction]:
    """Read the rows of an answer: a list, usually inside another list."""
    pending: list[object] = [answer.body.get("Response")]
    found: list[PulledTransaction] = []
    while pending:
        item = pending.pop(0)
        if isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            row = _row(item)
            if row.receipt:
                found.append(row)
    return found


def _page(daraja: Daraja, start: datetime, end: datetime, offset: int) -> Answer:
    return daraja.post(
        Api.PULL,
        "/pulltransactions/v1/query",
        {
            "ShortCode": daraja.account.shortcode,
            "StartDate": spaced(start),
            "EndDate": spaced(end),
            "OffSetValue": str(offset),
        },
    )


def _row(item: dict[str, object]) -> PulledTransaction:
    fields = {key.replace(" ", "").lower(): value for key, value in item.items()}

    def text(name: str) -> str:
        value = fields.get(name)
        return "" if value is None else clean_text(str(value), 64)

    return PulledTransaction(
        receipt=text("transactionid"),
        amount_cents=cents_of(fields.get("amount")),
        msisdn=text("msisdn"),
        bill_reference=text("billreference"),
        completed_at=text("trxdate"),
        kind=text("transactiontype"),
    )
