"""STK push and query: ``/mpesa/stkpush/v1/processrequest``, ``/mpesa/stkpushquery/v1/query``
(Daraja 1.4 and 1.7).
"""

import base64
import hmac
import re
from datetime import UTC, datetime, timedelta

from flask import Flask

from standin.books import Payment
from standin.clock import EAT
from standin.daraja import identifiers, stk_prompt
from standin.daraja.service import Call, Daraja, route
from standin.daraja.urls import check_url
from standin.daraja.wire import RefusedError, Reply, stk_like
from standin.prompts import Prompt

PUSH = stk_like("stk.sync")
QUERY = stk_like("stk.query", error_text="")
_ACCEPTED = "Success. Request accepted for processing"
_MSISDN = re.compile(r"254[17][0-9]{8}")
_SHORTCODE = re.compile(r"[0-9]{5,7}")
_REFERENCE_MAX = 12
_DESCRIPTION_MAX = 13
_SKEW = timedelta(hours=1)
_EARLY_SECONDS = 5.0


def register(app: Flask, daraja: Daraja) -> None:
    """Serve both APIs."""
    route(app, daraja, "/mpesa/stkpush/v1/processrequest", PUSH, push)
    route(app, daraja, "/mpesa/stkpushquery/v1/query", QUERY, query)


def push(call: Call) -> Reply:
    """Check a push, send the prompt to the payer's phone and answer with its ids."""
    shortcode = _check_merchant(call)
    kind = call.text("TransactionType")
    if kind not in ("CustomerPayBillOnline", "CustomerBuyGoodsOnline"):
        raise call.api.invalid("TransactionType")
    amount = call.whole_amount()
    _phone(call, "PartyA")
    party_b = call.text("PartyB")
    msisdn = _phone(call, "PhoneNumber")
    url = check_url(call, "CallBackURL")
    reference = _limited(call, "AccountReference", _REFERENCE_MAX, required=True)
    _limited(call, "TransactionDesc", _DESCRIPTION_MAX, required=False)

    world = call.daraja.world
    now = world.clock.now()
    payment = Payment(
        kind="stk",
        msisdn=msisdn,
        amount=amount,
        reference=reference,
        created_at=now,
        shortcode=shortcode,
        merchant_request_id=identifiers.gateway_request(),
        checkout_request_id=identifiers.checkout_request(now, msisdn),
    )
    payment.notes["permitted"] = kind == "CustomerBuyGoodsOnline" or party_b == shortcode
    prompt = Prompt(str(payment.checkout_request_id), payment, shortcode, url)
    early = call.daraja.courier.early("stk.callback", msisdn, amount)
    if not stk_prompt.start(call.daraja, prompt):
        raise RefusedError(
            500,
            "500.001.1001",
            "Unable to lock subscriber, a transaction is already in process for the current "
            "subscriber",
        )
    if early is not None:
        prompt.delivered.wait(_EARLY_SECONDS if early.seconds is None else early.seconds)
    return Reply(
        200,
        {
            "MerchantRequestID": payment.merchant_request_id,
            "CheckoutRequestID": payment.checkout_request_id,
            "ResponseCode": "0",
            "ResponseDescription": _ACCEPTED,
            "CustomerMessage": _ACCEPTED,
        },
    )


def query(call: Call) -> Reply:
    """Tell how a prompt ended; without receipt, amount or payer, as on the wire."""
    _check_merchant(call)
    checkout = call.text("CheckoutRequestID")
    world = call.daraja.world
    behaviour = world.behaviour.now
    payment = world.books.by_checkout(checkout)
    lag = timedelta(seconds=behaviour.query_lag_seconds)
    if payment is None or world.clock.now() - payment.created_at < lag:
        raise RefusedError(500, "500.001.1001", "The transaction does not Exist", checkout)
    code, text = payment.result_code, payment.result_text
    if code is None:
        if behaviour.query_style == "classic":
            text = "The transaction is being processed"
            raise RefusedError(500, "500.001.1001", text, checkout)
        code, text = "4999", "The transaction is still under processing"
    return Reply(
        200,
        {
            "ResponseCode": "0",
            "ResponseDescription": "The service request has been accepted successsfully",
            "MerchantRequestID": payment.merchant_request_id,
            "CheckoutRequestID": checkout,
            "ResultCode": code,
            "ResultDesc": text,
        },
    )


def _check_merchant(call: Call) -> str:
    """Check BusinessShortCode, Timestamp and Password, and return the shortcode."""
    settings = call.daraja.world.settings
    shortcode = call.text("BusinessShortCode")
    if not _SHORTCODE.fullmatch(shortcode):
        raise call.api.invalid("BusinessShortCode")
    timestamp = call.text("Timestamp")
    moment = _moment(timestamp)
    if moment is None:
        raise call.api.invalid("Timestamp")
    password = call.text("Password")
    if shortcode != settings.mpesa_shortcode:
        raise RefusedError(500, "500.001.1001", "Merchant does not exist")
    passkey = settings.mpesa_passkey.get_secret_value()
    expected = base64.b64encode(f"{shortcode}{passkey}{timestamp}".encode()).decode()
    skewed = abs(datetime.now(UTC) - moment) > _SKEW
    if skewed or not hmac.compare_digest(password.encode(), expected.encode()):
        raise RefusedError(500, "500.001.1001", "[MerchantValidate] - Wrong credentials")
    return shortcode


def _moment(timestamp: str) -> datetime | None:
    if not re.fullmatch(r"[0-9]{14}", timestamp):
        return None
    try:
        return datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=EAT)
    except ValueError:
        return None


def _phone(call: Call, name: str) -> str:
    text = call.text(name)
    if not _MSISDN.fullmatch(text):
        raise call.api.invalid(name)
    return text


def _limited(call: Call, name: str, maximum: int, *, required: bool) -> str:
    strict = call.daraja.world.behaviour.now.strict_lengths
    maximum = maximum if strict else 255
    return call.text(name, 1, maximum) if required else call.optional(name, maximum)
