"""The customer's side of M-Pesa: prompts, balance, PIN, and paying the paybill by hand."""

import re
from typing import Any

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.routing import BaseConverter

from standin.books import Customer
from standin.daraja import c2b, stk_prompt
from standin.daraja.service import Daraja
from standin.money import to_cents, to_shillings


def register(app: Flask, daraja: Daraja) -> None:
    """Serve ``/handset/<msisdn>`` and what is below it for M-Pesa."""
    app.url_map.converters["msisdn"] = _MsisdnConverter

    def show(msisdn: str) -> ResponseReturnValue:
        return jsonify(_as_json(daraja.world.books.customer(msisdn)))

    def change(msisdn: str) -> ResponseReturnValue:
        return _change(daraja, msisdn, request.get_json(silent=True))

    def prompts(msisdn: str) -> ResponseReturnValue:
        return jsonify([prompt.as_json() for prompt in daraja.world.prompts.visible(msisdn)])

    def answer(msisdn: str, prompt_id: str) -> ResponseReturnValue:
        return _answer(daraja, msisdn, prompt_id, request.get_json(silent=True))

    def paybill(msisdn: str) -> ResponseReturnValue:
        return _pay(daraja, msisdn, request.get_json(silent=True))

    path = "/handset/<msisdn:msisdn>"
    app.add_url_rule(path, "handset show", show, methods=["GET"])
    app.add_url_rule(path, "handset change", change, methods=["PUT"])
    app.add_url_rule(f"{path}/prompts", "handset prompts", prompts, methods=["GET"])
    app.add_url_rule(f"{path}/prompts/<prompt_id>", "handset answer", answer, methods=["POST"])
    app.add_url_rule(f"{path}/paybill", "handset paybill", paybill, methods=["POST"])


class _MsisdnConverter(BaseConverter):
    """A Kenyan mobile number as the stand-in writes it: 2547XXXXXXXX or 2541XXXXXXXX."""

    regex = "254[17][0-9]{8}"


def _pay(daraja: Daraja, msisdn: str, wanted: object) -> ResponseReturnValue:
    if not isinstance(wanted, dict) or not isinstance(wanted.get("account"), str):
        return _problem(400, 'expected {"amount": "100", "account": "0712345678"}')
    cents = to_cents(wanted.get("amount"))
    if cents is None or cents < 100 or cents % 100:
        return _problem(400, "amount must be whole shillings from 1")
    return jsonify(c2b.pay(daraja, msisdn, cents, wanted["account"][: c2b.ACCOUNT_MAX]))


def _answer(daraja: Daraja, msisdn: str, prompt_id: str, answer: object) -> ResponseReturnValue:
    if not isinstance(answer, dict) or len(answer) != 1:
        return _problem(400, 'expected {"pin": "1234"}, {"cancel": true} or {"ignore": true}')
    if answer.get("ignore") is True:
        if not daraja.world.prompts.hide(msisdn, prompt_id):
            return _problem(404, "no such open prompt")
        return jsonify({"state": "pending"})
    if answer.get("cancel") is True:
        payment = stk_prompt.cancel(daraja, msisdn, prompt_id)
    elif isinstance(answer.get("pin"), str):
        payment = stk_prompt.enter_pin(daraja, msisdn, prompt_id, answer["pin"])
    else:
        return _problem(400, 'expected {"pin": "1234"}, {"cancel": true} or {"ignore": true}')
    if payment is None:
        return _problem(404, "no such open prompt")
    return jsonify(
        {
            "state": payment.state,
            "receipt": payment.receipt,
            "code": payment.result_code,
            "text": payment.result_text,
        }
    )


def _check_changes(changes: object) -> str | None:
    if not isinstance(changes, dict) or not changes:
        return "expected an object with mpesa_balance, mpesa_pin, registered or reachable"
    unknown = sorted(changes.keys() - {"mpesa_balance", "mpesa_pin", "registered", "reachable"})
    if unknown:
        return f"unknown field {', '.join(unknown)}"
    balance = to_cents(changes.get("mpesa_balance", "0"))
    if balance is None or balance < 0:
        return "mpesa_balance must be shillings from 0"
    if not re.fullmatch(r"[0-9]{4}", str(changes.get("mpesa_pin", "0000"))):
        return "mpesa_pin must be four digits"
    if not all(isinstance(changes.get(name, True), bool) for name in ("registered", "reachable")):
        return "registered and reachable must be true or false"
    return None


def _change(daraja: Daraja, msisdn: str, changes: object) -> ResponseReturnValue:
    problem = _check_changes(changes)
    if problem is not None or not isinstance(changes, dict):
        return _problem(400, problem or "expected an object")
    books = daraja.world.books
    with books.locked():
        customer = books.customer(msisdn)
        balance = to_cents(changes.get("mpesa_balance"))
        if balance is not None:
            books.set_balance(msisdn, balance)
        if "mpesa_pin" in changes:
            customer.pin, customer.pin_failures = str(changes["mpesa_pin"]), 0
        customer.registered = changes.get("registered", customer.registered)
        customer.reachable = changes.get("reachable", customer.reachable)
        return jsonify(_as_json(customer))


def _as_json(customer: Customer) -> dict[str, Any]:
    return {
        "msisdn": customer.msisdn,
        "name": " ".join(customer.names),
        "mpesa_balance": to_shillings(customer.balance),
        "mpesa_pin": customer.pin,
        "pin_locked": customer.locked,
        "registered": customer.registered,
        "reachable": customer.reachable,
    }


def _problem(status: int, text: str) -> ResponseReturnValue:
    return jsonify({"error": text}), status
