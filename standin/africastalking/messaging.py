"""Africa's Talking's SMS API: ``POST /version1/messaging`` and ``GET /version1/user``.

Wire as recorded from live traffic: 201 with a bare ``application/json`` type (the SDK compares
it literally), an unknown sender as 201 without recipients, a wrong key as 401 in plain text.
"""

import hmac
import json
import time

from flask import Blueprint, Response, request

from standin.africastalking.gateway import Gateway
from standin.africastalking.outbound import DEFAULT_SENDER, Recipient, kes
from standin.cut import cut_connection
from standin.faults import Fault
from standin.requests_log import LoggedRequest
from standin.world import World

_PLACE = "at.send"
_HTML_503 = (
    "<html><head><title>503</title></head><body>Service Temporarily Unavailable</body></html>"
)


def make_blueprint(world: World, gateway: Gateway) -> Blueprint:
    """Return the API's routes."""
    blueprint = Blueprint("africastalking", __name__, url_prefix="/at/version1")

    @blueprint.post("/messaging")
    def send() -> Response:
        entry = world.requests.add(
            _PLACE, "POST", request.path, request.form.to_dict(), world.clock.now()
        )
        response = _check(world) or _send(world, gateway, entry)
        entry.status = response.status_code
        return response

    @blueprint.get("/user")
    def user() -> Response:
        username = request.args.get("username", "")
        if not _authorised(world, username):
            return _unauthorised()
        return _json({"UserData": {"balance": kes(gateway.outbound.balance)}}, 200)

    return blueprint


def _check(world: World) -> Response | None:
    form = request.form
    if not _authorised(world, form.get("username", "")):
        return _unauthorised()
    for name in ("to", "message"):
        if not form.get(name):
            return _text(f"Request is missing required form field '{name}'", 400)
    return None


def _send(world: World, gateway: Gateway, entry: LoggedRequest) -> Response:
    numbers = [number.strip() for number in request.form["to"].split(",")]
    fault = world.faults.pick(_PLACE, msisdn=numbers[0].removeprefix("+"))
    if fault is not None:
        entry.fault = fault.kind
        response = _misbehave(fault, numbers)
        if response is not None:
            return response
    sender = request.form.get("from") or DEFAULT_SENDER
    if sender not in _senders(world):
        answer = _answer([], message="InvalidSenderId")
    else:
        text = request.form["message"]
        enqueue = request.form.get("enqueue") == "1"
        recipients = [gateway.outbound.send(n, sender, text, enqueue=enqueue) for n in numbers]
        answer = _answer(recipients)
    entry.answer = answer
    if fault is not None and fault.kind == "lose_reply":
        return cut_connection()
    return _json(answer, 201)


def _misbehave(fault: Fault, numbers: list[str]) -> Response | None:
    """Return what a fault answers instead of sending, or None when the message still goes."""
    if fault.kind == "slow":
        time.sleep(3.0 if fault.seconds is None else fault.seconds)
        return None
    if fault.kind == "refuse":
        code = int(fault.parameters.get("code", 403))
        if code == 402:
            return _json(_answer([], message="InvalidSenderId"), 201)
        return _json(_answer([Recipient(number, code) for number in numbers]), 201)
    if fault.kind == "drop":
        return cut_connection()
    if fault.kind == "error500":
        return _text("Internal Server Error", 500)
    if fault.kind == "html503":
        return Response(_HTML_503, 503, content_type="text/html")
    if fault.kind == "empty":
        return _text("", 200)
    return None


def _answer(recipients: list[Recipient], message: str | None = None) -> dict[str, object]:
    if message is None:
        accepted = [r for r in recipients if r.accepted]
        total = kes(sum(r.cost for r in accepted))
        message = f"Sent to {len(accepted)}/{len(recipients)} Total Cost: {total}"
    return {
        "SMSMessageData": {
            "Message": message,
            "Recipients": [recipient.as_json() for recipient in recipients],
        }
    }


def _senders(world: World) -> set[str]:
    settings = world.settings
    return {DEFAULT_SENDER, settings.sms_code, settings.at_sender_id} - {""}


def _authorised(world: World, username: str) -> bool:
    key = world.settings.at_api_key.get_secret_value()
    given = request.headers.get("apiKey", "")
    return username == world.settings.at_username and hmac.compare_digest(
        given.encode(), key.encode()
    )


def _unauthorised() -> Response:
    response = _text("The supplied authentication is invalid", 401)
    response.headers["WWW-Authenticate"] = "Basic"
    return response


def _text(text: str, status: int) -> Response:
    return Response(text, status, content_type="text/plain; charset=utf-8")


def _json(document: dict[str, object], status: int) -> Response:
    response = Response(json.dumps(document), status)
    response.headers["Content-Type"] = "application/json"
    return response
