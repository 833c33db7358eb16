"""The page at ``/phone``: feature phones to hold, drawn by plain HTML, CSS and JavaScript."""

from flask import Blueprint, Response, jsonify

from standin.world import World


def make_blueprint(world: World) -> Blueprint:
    """Return the page and its files."""
    blueprint = Blueprint(
        "phone", __name__, url_prefix="/phone", static_folder="static", static_url_path="/static"
    )

    @blueprint.get("")
    def page() -> Response:
        return blueprint.send_static_file("phone.html")

    @blueprint.get("/numbers")
    def numbers() -> Response:
        settings = world.settings
        return jsonify(
            {
                "ussd_code": settings.ussd_code,
                "sms_code": settings.sms_code,
                "idle_seconds": world.behaviour.now.ussd_idle_seconds,
            }
        )

    return blueprint
