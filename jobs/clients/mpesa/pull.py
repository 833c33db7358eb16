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
_BARREN_PAGES_MAX = 2


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
    """Read all payments between two aware moments, each receipt once.

    Daraja's texts contradict each other about the offset (1.13). It is read as rows first; then
    a few pages are asked for by number, which bring nothing new from a server that counts rows.
    """
    found: dict[str, PulledTransaction] = {}
    reading = _Reading(daraja, start, end, found)
    answer = reading.ask(0)
    while reading.brought_more and reading.requests < _PAGES_MAX:
        answer = reading.ask(len(found))
    number, barren = 1, 0
    while found and barren < _BARREN_PAGES_MAX and reading.requests < _PAGES_MAX:
        reading.ask(number)
        barren = 0 if reading.brought_more else barren + 1
        number += 1
    if reading.requests >= _PAGES_MAX:
        return PulledWindow(list(found.values()), False, "too_many_pages", "window is too large")
    proven = bool(found) and not reading.failed
    return PulledWindow(list(found.values()), proven, answer.code, answer.text)


class _Reading:
    """One look at a window: ``failed`` tells that an answer was neither rows nor an end."""

    def __init__(
        self, daraja: Daraja, start: datetime, end: datetime, found: dict[str, PulledTransaction]
    ) -> None:
        self._daraja = daraja
        self._window = (start, end)
        self._found = found
        self.requests = 0
        self.brought_more = False
        self.failed = False

    def ask(self, offset: int) -> Answer:
        """Ask for the payments from an offset, and keep those that are new."""
        answer = _page(self._daraja, *self._window, offset=offset)
        accepted = answer.outcome is Outcome.ACCEPTED
        fresh = [row for row in rows(answer) if row.receipt not in self._found] if accepted else []
        self._found.update((row.receipt, row) for row in fresh)
        self.requests += 1
        self.brought_more = bool(fresh)
        self.failed = self.failed or not (accepted or answer.code == NO_DATA)
        return answer


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
