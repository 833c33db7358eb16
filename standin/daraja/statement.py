"""The statement that a person exports from the M-Pesa organisation portal, as CSV."""

import csv
import io
from datetime import datetime, timedelta

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

from standin.books import Payment
from standin.clock import EAT
from standin.daraja.service import Daraja
from standin.money import to_shillings

COLUMNS = (
    "Receipt No.",
    "Completion Time",
    "Initiation Time",
    "Details",
    "Transaction Status",
    "Paid In",
    "Withdrawn",
    "Balance",
    "Balance Confirmed",
    "Reason Type",
    "Other Party Info",
    "Linked Transaction ID",
    "A/C No.",
)
_REASONS = {
    "stk": "Pay Bill Online",
    "paybill": "Pay Bill Online",
    "b2c": "Business Payment to Customer via API",
    "reversal": "Reversal of Pay Bill Online",
}


def register(app: Flask, daraja: Daraja) -> None:
    """Serve ``GET /books/statement.csv?from=YYYY-MM-DD&to=YYYY-MM-DD`` (days in EAT)."""

    @app.get("/books/statement.csv")
    def export() -> ResponseReturnValue:
        try:
            start = _moment(request.args.get("from"), datetime.min.replace(tzinfo=EAT))
            end = _moment(request.args.get("to"), datetime.max.replace(tzinfo=EAT), whole=True)
        except ValueError:
            return jsonify({"error": "from and to are dates or times in ISO 8601, in EAT"}), 400
        return Response(statement(daraja, start, end), content_type="text/csv; charset=utf-8")


def statement(daraja: Daraja, start: datetime, end: datetime) -> str:
    """Return the Utility account's completed movements, newest first, under the portal's head."""
    moved = [
        p
        for p in daraja.world.books.payments()
        if p.receipt is not None and p.completed_at is not None and start <= p.completed_at <= end
    ]
    moved.sort(key=lambda p: p.completed_at or start, reverse=True)
    text = io.StringIO()
    writer = csv.writer(text)
    settings = daraja.world.settings
    writer.writerow(["Account Holder:", settings.mpesa_initiator_name.upper()])
    writer.writerow(["Short Code:", settings.mpesa_shortcode])
    writer.writerow(["Account:", "Utility Account"])
    writer.writerow(["Time Period:", f"From {_shown(start)} To {_shown(end)}"])
    writer.writerow([])
    writer.writerow(COLUMNS)
    for payment in moved:
        writer.writerow(_row(daraja, payment))
    return text.getvalue()


def _row(daraja: Daraja, payment: Payment) -> list[str]:
    inward = payment.kind in ("stk", "paybill")
    amount = to_shillings(payment.amount)
    names = " ".join(daraja.world.books.customer(payment.msisdn).names)
    reason = _REASONS[payment.kind]
    verb = "from" if inward else "to"
    account = f" Acc. {payment.reference}" if inward else ""
    return [
        payment.receipt or "",
        _shown(payment.completed_at),
        _shown(payment.created_at),
        f"{reason} {verb} {payment.msisdn} - {names}{account}",
        "Completed",
        amount if inward else "",
        "" if inward else f"-{amount}",
        to_shillings(payment.utility_after or 0),
        "true",
        reason,
        f"{payment.msisdn} - {names}",
        payment.reverses or "",
        payment.reference if inward else "",
    ]


def _shown(moment: datetime | None) -> str:
    return moment.strftime("%d-%m-%Y %H:%M:%S") if moment else ""


def _moment(text: str | None, default: datetime, *, whole: bool = False) -> datetime:
    """Read a date or time; ``whole`` takes a date to its last second."""
    if not text:
        return default
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=EAT)
    if whole and len(text) == len("2025-10-03"):
        moment += timedelta(days=1, seconds=-1)
    return moment
