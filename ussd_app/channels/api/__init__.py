"""The JSON API under /api: camelCase fields, bearer tokens, problem documents (RFC 9457)."""

from importlib.metadata import PackageNotFoundError, version

from flask import Blueprint, Response, jsonify, request
from flask.blueprints import BlueprintSetupState
from redis import RedisError
from werkzeug.exceptions import HTTPException, TooManyRequests

from ussd_app.channels.api import (
    auth,
    history,
    limits,
    openapi,
    reconciliation,
    statements,
    wallet,
)
from ussd_app.channels.api.operations import identify
from ussd_app.channels.api.problems import ProblemError

blueprint = Blueprint("api", __name__, url_prefix="/api")
for part in (auth, wallet, history, statements, reconciliation):
    part.attach(blueprint)


@blueprint.get("/openapi.json")
@limits.limiter.exempt
def describe() -> Response:
    """Serve the OpenAPI document."""
    return jsonify(openapi.document(_version()))


def _version() -> str:
    try:
        return version("cycle")
    except PackageNotFoundError:
        return "0"


def _attach_to_app(state: BlueprintSetupState) -> None:
    def identify_api_caller() -> None:
        if request.blueprint == blueprint.name:
            identify()

    # Ahead of the limiter's own hook, which init_app adds: limits count after identity.
    state.app.before_request(identify_api_caller)
    limits.attach(state.app, state.app.extensions["cycle"])


blueprint.record_once(_attach_to_app)


@blueprint.errorhandler(ProblemError)
def _problem(error: ProblemError) -> Response:
    return error.response()


@blueprint.errorhandler(RedisError)
def _cannot_count(_error: RedisError) -> Response:
    return ProblemError(
        503,
        "unavailable",
        "Try again in a moment. Nothing was done.",
        headers={"Retry-After": "5"},
    ).response()


@blueprint.errorhandler(HTTPException)
def _refused(error: HTTPException) -> Response:
    status = error.code or 500
    code = (error.name or "error").lower().replace(" ", "_")
    detail = "Too many requests. Slow down." if status == TooManyRequests.code else error.name
    answer = ProblemError(status, code, detail).response()
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            answer.headers[name] = value
    return answer
