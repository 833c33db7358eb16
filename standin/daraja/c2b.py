"""C2B: ``/mpesa/c2b/v1|v2/registerurl`` and ``simulate``, and payments by hand
(Daraja 1.12).
"""

import re
from typing import Any

from flask import Flask

from standin.books import Outcome, Payment
from standin.daraja import c2b_notices, identifiers
from standin.daraja.service import Call, Daraja, Registration, route
from standin.daraja.urls import check_url
from standin.daraja.wire import RefusedError, Reply, c2b_like

REGISTER = c2b_like("c2b.register")
SIMULATE = c2b_like("c2b.simulate")
ACCOUNT_MAX = 20
_MSISDN = re.compile(r"254[17][0-9]{8}")
_REJECTED = {
    "C2B00011": "Invalid MSISDN",
    "C2B00012": "Invalid Account Number",
    "C2B00013": "Invalid Amount",
    "C2B00014": "Invalid KYC Details",
    "C2B00015": "Invalid Shortcode",
    "C2B00016": "Other Error",
}


def register(app: Flask, daraja: Daraja) -> None:
    """Serve both versions."""
    for version in ("v1", "v2"):
        route(
            app,
            daraja,
            f"/mpesa/c2b/{version}/registerurl",
            REGISTER,
            lambda call, version=version: register_urls(call, version),  # type: ignore[misc]
        )
        route(app, daraja, f"/mpesa/c2b/{version}/simulate", SIMULATE, simulate)


def register_urls(call: Call, version: str) -> Reply:
    """Remember where a shortcode wants its notifications."""
    shortcode = _own_shortcode(call)
    response_type = call.text("ResponseType")
    if response_type not in ("Completed", "Cancelled"):
        raise call.api.invalid("ResponseType")
    confirmation = check_url(call, "ConfirmationURL")
    validation = check_url(call, "ValidationURL")
    daraja = call.daraja
    if daraja.world.behaviour.now.one_time_urls and shortcode in daraja.c2b_urls:
        raise RefusedError(500, "500.003.1001", "Urls are already registered")
    daraja.c2b_urls[shortcode] = Registration(version, response_type, confirmation, validation)
    return Reply(
        200,
        {
            "OriginatorCoversationID": identifiers.gateway_request(),
            "ResponseCode": "0",
            "ResponseDescription": "Success",
        },
    )


def simulate(call: Call) -> Reply:
    """Let a customer pay the paybill, as the sandbox does."""
    _own_shortcode(call)
    if call.text("CommandID") not in ("CustomerPayBillOnline", "CustomerBuyGoodsOnline"):
        raise call.api.invalid("CommandID")
    amount = call.whole_amount()
    msisdn = call.text("Msisdn")
    if not _MSISDN.fullmatch(msisdn):
        raise call.api.invalid("Msisdn")
    account = call.optional("BillRefNumber", ACCOUNT_MAX)
    daraja = call.daraja
    daraja.world.scheduler.after(
        daraja.world.behaviour.now.callback_seconds, lambda: pay(daraja, msisdn, amount, account)
    )
    return Reply(
        200,
        {
            "OriginatorCoversationID": identifiers.gateway_request(),
            "ResponseCode": "0",
            "ResponseDescription": "Accept the service request successfully.",
        },
    )


def pay(daraja: Daraja, msisdn: str, amount: int, account: str) -> dict[str, Any]:
    """Pay the paybill from a customer's phone and return what the phone is told.

    ``amount`` in cents. The answer has state (completed or failed), receipt, code and text.
    """
    world = daraja.world
    now = world.clock.now()
    receipt = identifiers.receipt(now)
    payment = world.books.open(
        Payment(
            kind="paybill",
            msisdn=msisdn,
            amount=amount,
            reference=account,
            created_at=now,
            shortcode=world.settings.mpesa_shortcode,
        )
    )
    rejected = c2b_notices.validate(daraja, payment, receipt)
    if rejected is not None:
        world.books.fail(payment, Outcome(rejected, _REJECTED[rejected]))
    elif world.books.pay_in(payment, receipt).paid:
        c2b_notices.confirm(daraja, payment)
    return {
        "state": payment.state,
        "receipt": payment.receipt,
        "code": payment.result_code,
        "text": payment.result_text,
    }


def _own_shortcode(call: Call) -> str:
    shortcode = call.text("ShortCode")
    if shortcode != call.daraja.world.settings.mpesa_shortcode:
        raise RefusedError(400, "400.003.02", "Bad Request - Kindly use your own ShortCode")
    return shortcode
