"""Africa's Talking as the product meets it: USSD gateway, bulk SMS, inbound SMS, callbacks.

``Gateway`` is the whole of it; ``standin.handset`` holds the phones on its other side.
"""

from flask import Flask

from standin.africastalking.gateway import Gateway
from standin.africastalking.messaging import make_blueprint
from standin.world import World

__all__ = ["Gateway", "register"]


def register(app: Flask, world: World, gateway: Gateway) -> None:
    """Serve the SMS API under ``/at/version1``."""
    app.register_blueprint(make_blueprint(world, gateway))
