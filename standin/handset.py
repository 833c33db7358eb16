"""The phones: routes to dial, reply, hang up, text and read, as a hand would.

A phone is ``/handset/<msisdn>`` with the number as ``2547XXXXXXXX``; any number exists.
What M-Pesa shows on it (balance, prompts) is in ``standin.daraja``.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response, jsonify, request

from standin.africastalking.gateway import Gateway
from standin.africastalking.hops import SHAPES
from standin.africastalking.ussd import BusyError, NoSessionError
from standin.numbers import is_msisdn, to_msisdn

_REPLY_CHARACTERS_MAX = 182
_SMS_CHARACTERS_MAX = 20_000
OPT_OUT_CODE = "*456*9*5#"
"""What subscribers dial in Kenya to stop bulk SMS, and to get them again."""

View = Callable[..., Response | tuple[Response, int]]


def refuse(text: str, status: int = 400) -> tuple[Response, int]:
    """Return an error as JSON."""
    return jsonify({"error": text}), status


def make_blueprint(gateway: Gateway) -> Blueprint:
    """Return the routes of all phones."""
    blueprint = Blueprint("handset", __name__, url_prefix="/handset/<msisdn>")
    _add_ussd(blueprint, gateway)
    _add_session(blueprint, gateway)
    _add_sms(blueprint, gateway)
    return blueprint


def _phone(view: View) -> View:
    """Refuse numbers that are no Kenyan mobile."""

    @wraps(view)
    def checked(msisdn: str) -> Response | tuple[Response, int]:
        if not is_msisdn(msisdn):
            return refuse("a phone is 254 and nine digits that begin with 7 or 1", 404)
        return view(msisdn)

    return checked


def _field(name: str, default: str | None = None) -> str | None:
    """Return a text field of the JSON body, or None when it is absent or no text."""
    document = request.get_json(silent=True)
    value: Any = document.get(name, default) if isinstance(document, dict) else default
    return value if isinstance(value, str) else None


def _add_ussd(blueprint: Blueprint, gateway: Gateway) -> None:
    @blueprint.post("/dial")
    @_phone
    def dial(msisdn: str) -> Response | tuple[Response, int]:
        dialled, shape = _field("input"), _field("shape", "tokens")
        if dialled is None:
            return refuse('expected {"input": "*384*2929#"}')
        if shape not in SHAPES:
            return refuse(f"shape must be one of {', '.join(SHAPES)}")
        if dialled == OPT_OUT_CODE and gateway.outbound.has_opted_out(msisdn):
            gateway.outbound.opt_in(msisdn)
            return jsonify({"screen": "You will get bulk SMS again.", "open": False})
        if dialled == OPT_OUT_CODE:
            _opt_out(gateway, msisdn, gateway.default_sender)
            return jsonify({"screen": "You will get no more bulk SMS.", "open": False})
        return jsonify(gateway.ussd.dial(msisdn, dialled, shape))

    @blueprint.post("/reply")
    @_phone
    def reply(msisdn: str) -> Response | tuple[Response, int]:
        typed = _field("input")
        if typed is None or len(typed) > _REPLY_CHARACTERS_MAX:
            return refuse(f'expected {{"input": text}} of at most {_REPLY_CHARACTERS_MAX}')
        try:
            return jsonify(gateway.ussd.reply(msisdn, typed))
        except NoSessionError:
            return refuse("no session is open on this phone", 409)
        except BusyError:
            return refuse("this phone still waits for its last answer", 409)


def _add_session(blueprint: Blueprint, gateway: Gateway) -> None:
    @blueprint.post("/hangup")
    @_phone
    def hang_up(msisdn: str) -> Response:
        return jsonify(gateway.ussd.hang_up(msisdn))

    @blueprint.get("/session")
    @_phone
    def session(msisdn: str) -> Response:
        return jsonify(gateway.ussd.view(msisdn))


def _add_sms(blueprint: Blueprint, gateway: Gateway) -> None:
    @blueprint.post("/sms")
    @_phone
    def send(msisdn: str) -> Response | tuple[Response, int]:
        to, text = _field("to"), _field("text")
        if to is None or text is None or len(text) > _SMS_CHARACTERS_MAX:
            return refuse('expected {"to": short code or phone, "text": text}')
        recipient = to if to == gateway.sms_code else to_msisdn(to)
        if recipient is None:
            return refuse("no such recipient", 404)
        return jsonify({"id": gateway.inbound.send(msisdn, recipient, text)}), 202

    @blueprint.get("/inbox")
    @_phone
    def inbox(msisdn: str) -> Response:
        return jsonify([message.as_json() for message in gateway.inboxes.of(msisdn)])

    @blueprint.delete("/inbox")
    @_phone
    def empty_inbox(msisdn: str) -> tuple[Response, int]:
        gateway.inboxes.clear(msisdn)
        return jsonify({}), 200

    @blueprint.post("/opt-out")
    @_phone
    def opt_out(msisdn: str) -> tuple[Response, int]:
        _opt_out(gateway, msisdn, _field("sender") or gateway.default_sender)
        return jsonify({"opted_out": True}), 202

    @blueprint.delete("/opt-out")
    @_phone
    def opt_in(msisdn: str) -> Response:
        gateway.outbound.opt_in(msisdn)
        return jsonify({"opted_out": False})


def _opt_out(gateway: Gateway, msisdn: str, sender: str) -> None:
    gateway.outbound.opt_out(msisdn)
    gateway.inbound.opt_out(msisdn, sender)
