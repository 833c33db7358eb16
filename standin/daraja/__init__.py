"""Safaricom's Daraja as the product sees it: one module per API, registered on a Flask app."""

from flask import Flask, Response, jsonify
from flask.typing import ResponseReturnValue

from standin import control
from standin.daraja import b2c, balance, c2b, handset_money, pull, reversal, statement, status, stk
from standin.daraja.service import Daraja, serve
from standin.daraja.tokens import OAUTH
from standin.daraja.wire import RefusedError
from standin.world import World

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def register(app: Flask, world: World) -> Daraja:
    """Add the M-Pesa side and the shared controls to the app."""
    daraja = Daraja.create(world)

    def generate() -> Response:
        return serve(daraja, OAUTH, lambda _fields: daraja.tokens.generate())

    app.add_url_rule("/daraja/oauth/v1/generate", "daraja oauth", generate, methods=_METHODS)
    for module in (stk, b2c, status, balance, reversal, c2b, pull, handset_money, statement):
        module.register(app, daraja)
    control.register(app, world)

    @app.get("/daraja/certificate.pem")
    def show_certificate() -> ResponseReturnValue:
        return Response(daraja.credentials.certificate(), content_type="application/x-pem-file")

    @app.post("/initiator/unlock")
    def unlock_initiator() -> ResponseReturnValue:
        daraja.credentials.unlock()
        return jsonify({})

    @app.route("/daraja/", defaults={"rest": ""}, methods=_METHODS)
    @app.route("/daraja/<path:rest>", methods=_METHODS)
    def refuse_unknown(rest: str) -> ResponseReturnValue:
        code = "404.002.01" if "b2c" in rest else "404.001.01"
        return RefusedError(404, code, "Resource not found").reply().response()

    return daraja
