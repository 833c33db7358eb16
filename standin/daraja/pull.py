"""Pull transactions: ``/pulltransactions/v1/register`` and ``query`` (Daraja 1.13)."""

from datetime import datetime, timedelta
from typing import Any

from flask import Flask

from standin.books import Payment
from standin.clock import EAT
from standin.daraja import identifiers
from standin.daraja.service import Call, Daraja, route
from standin.daraja.urls import check_url
from standin.daraja.wire import RefusedError, Reply, pull_like
from standin.money import to_shillings

REGISTER = pull_like("pull.register")
QUERY = pull_like("pull.query")
_MEMORY = timedelta(hours=48)
_NOTHING = "No records found or Organization Name not available"


def register(app: Flask, daraja: Daraja) -> None:
    """Serve both APIs."""
    route(app, daraja, "/pulltransactions/v1/register", REGISTER, enrol)
    route(app, daraja, "/pulltransactions/v1/query", QUERY, pull)


def enrol(call: Call) -> Reply:
    """Register a shortcode once; a second time answers 1001."""
    shortcode = _own_shortcode(call)
    if call.text("RequestType") != "Pull":
        raise call.api.invalid("RequestType")
    call.text("NominatedNumber")
    check_url(call, "CallBackURL")
    registered = call.daraja.pull_registered
    again = shortcode in registered
    registered.add(shortcode)
    texts = {
        "ResponseRefID": identifiers.gateway_request(),
        "ResponseStatus": "1001" if again else "1000",
        "ShortCode": shortcode,
        "ResponseDescription": "ShortCode already Registered"
        if again
        else "ShortCode Registered Successfully",
    }
    if call.daraja.world.behaviour.now.pull_spaced_keys:
        spaced = {
            "ResponseStatus": "Response Status",
            "ResponseDescription": "Response Description",
        }
        texts = {spaced.get(key, key): value for key, value in texts.items()}
    return Reply(200, texts)


def pull(call: Call) -> Reply:
    """List C2B and STK payments of a window in the last 48 hours, page by page."""
    shortcode = _own_shortcode(call)
    start, end = _moment(call, "StartDate"), _moment(call, "EndDate")
    offset_text = call.text("OffSetValue")
    if not offset_text.isascii() or not offset_text.isdigit() or end < start:
        raise RefusedError(400, "400.001", "Bad Request - Invalid OffSetValue or dates")
    behaviour = call.daraja.world.behaviour.now
    if not behaviour.pull_provisioned or shortcode not in call.daraja.pull_registered:
        return _nothing()
    found = _between(call.daraja, start, end)
    size = behaviour.pull_page_size
    first = int(offset_text) * (size if behaviour.pull_offset == "page" else 1)
    page = found[first : first + size]
    if not page:
        return _nothing()
    return Reply(
        200,
        {
            "ResponseRefID": identifiers.gateway_request(),
            "ResponseCode": "1000",
            "ResponseMessage": "Success",
            "Response": [[_row(call.daraja, payment) for payment in page]],
        },
    )


def _between(daraja: Daraja, start: datetime, end: datetime) -> list[Payment]:
    oldest = max(start, daraja.world.clock.now() - _MEMORY)
    return [
        p
        for p in daraja.world.books.payments()
        if p.kind in ("stk", "paybill")
        and p.receipt is not None
        and p.completed_at is not None
        and oldest <= p.completed_at <= end
    ]


def _row(daraja: Daraja, payment: Payment) -> dict[str, Any]:
    moment = payment.completed_at or payment.created_at
    return {
        "transactionId": payment.receipt,
        # Local time in spite of its Z: integrators must not trust the zone.
        "trxDate": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "msisdn": int(payment.msisdn[3:]),
        "sender": "MPESA",
        "transactiontype": "c2b-pay-bill-debit",
        "billreference": payment.reference,
        "amount": to_shillings(payment.amount),
        "organizationname": daraja.world.settings.mpesa_initiator_name.upper(),
    }


def _nothing() -> Reply:
    return Reply(
        200,
        {
            "ResponseRefID": identifiers.gateway_request(),
            "ResponseCode": "1001",
            "ResponseMessage": _NOTHING,
            "Response": [[]],
        },
    )


def _moment(call: Call, name: str) -> datetime:
    try:
        return datetime.strptime(call.text(name), "%Y-%m-%d %H:%M:%S").replace(tzinfo=EAT)
    except ValueError:
        raise RefusedError(400, "400.001", f"Bad Request - Invalid {name}") from None


def _own_shortcode(call: Call) -> str:
    shortcode = call.text("ShortCode")
    if shortcode != call.daraja.world.settings.mpesa_shortcode:
        raise RefusedError(400, "400.001", "Invalid ShortCode")
    return shortcode
