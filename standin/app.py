"""The stand-in's one web application: Daraja, Africa's Talking, phones, mail and controls."""

from flask import Flask, Response, jsonify, redirect, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from standin import africastalking, daraja, handset, phone
from standin.africastalking import Gateway
from standin.money import to_cents, to_shillings
from standin.smtp import Mailbox
from standin.world import World

_UNITS_PER_CENT = 100  # Africa's Talking counts ten-thousandths of a shilling


def create_app(world: World, gateway: Gateway, mailbox: Mailbox) -> Flask:
    """Build the application around one world."""
    app = Flask("standin", static_folder=None)
    africastalking.register(app, world, gateway)
    mpesa = daraja.register(app, world)
    app.register_blueprint(handset.make_blueprint(gateway))
    app.register_blueprint(phone.make_blueprint(world))
    _add_mail(app, mailbox)
    _add_settings(app, gateway)

    @app.post("/reset")
    def reset() -> Response:
        world.reset()
        mpesa.reset()
        gateway.reset()
        mailbox.clear()
        return jsonify({})

    @app.get("/")
    def home() -> AnyResponse:
        return redirect("/phone")

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        return jsonify({"error": error.description}), error.code or 500

    return app


def _add_mail(app: Flask, mailbox: Mailbox) -> None:
    @app.get("/mail")
    def mails() -> Response:
        return jsonify([mail.as_json() for mail in mailbox.all()])

    @app.get("/mail/<int:identifier>")
    def mail(identifier: int) -> Response | tuple[Response, int]:
        found = mailbox.get(identifier)
        if found is None:
            return handset.refuse("no such mail", 404)
        return Response(found.content, content_type="message/rfc822")

    @app.delete("/mail")
    def forget_mail() -> Response:
        mailbox.clear()
        return jsonify([])


def _add_settings(app: Flask, gateway: Gateway) -> None:
    def shown() -> Response:
        balance = to_shillings(gateway.outbound.balance // _UNITS_PER_CENT)
        return jsonify({**gateway.product.as_json(), "at_balance": balance})

    @app.get("/settings")
    def settings() -> Response:
        return shown()

    @app.put("/settings")
    def change_settings() -> Response | tuple[Response, int]:
        document = request.get_json(silent=True)
        if not isinstance(document, dict):
            return handset.refuse("expected a JSON object")
        unknown = sorted(document.keys() - {"product_url", "at_key", "at_balance"})
        if unknown:
            return handset.refuse(f"unknown setting: {', '.join(unknown)}")
        url, key = document.get("product_url"), document.get("at_key")
        if not all(value is None or isinstance(value, str) for value in (url, key)):
            return handset.refuse("product_url and at_key are texts")
        if "at_balance" in document:
            cents = to_cents(document["at_balance"])
            if cents is None or cents < 0:
                return handset.refuse("at_balance is an amount in shillings")
            gateway.outbound.set_balance(cents * _UNITS_PER_CENT)
        gateway.product.change(url=url, key=key)
        return shown()
