"""What an operation of the API is, and how a request runs through it.

One declaration drives three things, so that they can't disagree: the route, the checks of
the request, and the operation's entry in the OpenAPI document.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import BadRequest

from ledger.commands import api_access, idempotency
from ledger.commands.pins import check_pin
from ledger.core.access import Role
from ledger.core.context import Context
from ledger.core.refusals import Refusal
from ledger.queries import staff
from ussd_app.channels.api import limits, tokens
from ussd_app.channels.api.models import KEY_PATTERN, Model, PinnedModel
from ussd_app.channels.api.problems import ProblemError, of_refusal, unauthenticated
from ussd_app.services import Services, services


class Identity(StrEnum):
    """Who may call an operation."""

    ANYONE = "anyone"
    CUSTOMER = "customer"
    STAFF = "staff"


@dataclass(frozen=True)
class Operation:
    """One route of the API, declared. ``path`` is below ``/api``, in Flask's notation.

    ``pinned`` bodies carry the PIN, which is checked before anything is reserved or done.
    ``keyed`` operations need an ``Idempotency-Key`` and answer the same to the same request.
    """

    name: str
    method: str
    path: str
    summary: str
    handler: "Handler"
    answer: type[Model] | None
    status: int = 200
    identity: Identity = Identity.CUSTOMER
    body: type[BaseModel] | None = None
    query: type[Model] | None = None
    keyed: bool = False
    roles: frozenset[Role] = frozenset()
    problems: tuple[int, ...] = ()
    files: tuple[str, ...] = ()


@dataclass
class Incoming:
    """A checked request: who calls, and what was sent."""

    services: Services
    arguments: dict[str, Any]
    bearer: tokens.Bearer | None = None
    body: Any = None
    query: Any = None
    key: str | None = None
    roles: frozenset[Role] = field(default_factory=frozenset)

    @property
    def user_id(self) -> int:
        """Return the customer who calls."""
        assert self.bearer is not None
        assert self.bearer.kind == "user"
        return self.bearer.person_id

    @property
    def context(self) -> Context:
        """Return the context for the ledger: the customer or the member of staff."""
        assert self.bearer is not None
        if self.bearer.kind == "admin":
            return Context(actor=f"admin:{self.bearer.person_id}", channel="api")
        return Context.of_user(self.bearer.person_id, "api")


Handler = Callable[[Incoming], Model | Response | None]
OPERATIONS: list[Operation] = []


def declare(blueprint: Blueprint, operation: Operation) -> None:
    """Add an operation to the blueprint and to the OpenAPI document."""
    OPERATIONS.append(operation)

    def view(**arguments: Any) -> ResponseReturnValue:
        return _serve(operation, arguments)

    view.__name__ = operation.name
    view.__qualname__ = f"api.{operation.name}"
    blueprint.add_url_rule(
        operation.path,
        operation.name,
        _limited(operation, view),
        methods=[operation.method],
        provide_automatic_options=False,
    )


def _limited(operation: Operation, view: Callable[..., Any]) -> Callable[..., Any]:
    if operation.identity is Identity.ANYONE:
        by_source = limits.limiter.limit(limits.DOOR_PER_SOURCE, key_func=limits.source_key)
        by_number = limits.limiter.limit(limits.DOOR_PER_NUMBER, key_func=limits.number_key)
        return by_source(by_number(view))
    moves_money = operation.keyed
    shared = limits.limiter.shared_limit(
        limits.MONEY if moves_money else limits.READS,
        scope="money" if moves_money else "reads",
        key_func=limits.account_key,
    )
    return shared(view)


def identify() -> None:
    """Note whom the request's token names; runs before the limits, which count per account."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    secret_key = services().settings.secret_key.get_secret_value()
    g.api_bearer = tokens.read(secret_key, token.strip()) if kind.lower() == "bearer" else None


def _serve(operation: Operation, arguments: dict[str, Any]) -> ResponseReturnValue:
    incoming = Incoming(services(), arguments)
    _admit(operation, incoming)
    if operation.keyed:
        incoming.key = _key()
    if operation.query is not None:
        incoming.query = _parsed(operation.query, _query_values(), "query")
    if operation.body is not None:
        incoming.body = _parsed(operation.body, _json_body(), "body")
    if isinstance(incoming.body, PinnedModel):
        checked = check_pin(
            incoming.services.database,
            incoming.context,
            incoming.user_id,
            incoming.body.pin.get_secret_value(),
        )
        if isinstance(checked, Refusal):
            raise of_refusal(checked)
    if operation.keyed:
        return _once(operation, incoming)
    answer = operation.handler(incoming)
    if isinstance(answer, Response):
        return answer
    return _answer(operation.status, _dumped(answer))


def _admit(operation: Operation, incoming: Incoming) -> None:
    """Let in only whom the operation is for, by the session as it stands in the database."""
    if operation.identity is Identity.ANYONE:
        return
    bearer: tokens.Bearer | None = g.api_bearer
    if bearer is None:
        raise unauthenticated()
    live = api_access.live_customer if bearer.kind == "user" else api_access.live_admin
    if live(incoming.services.database, bearer.session_id) != bearer.person_id:
        raise unauthenticated()
    incoming.bearer = bearer
    if operation.name == "logout":
        return
    if (operation.identity is Identity.CUSTOMER) != (bearer.kind == "user"):
        raise ProblemError(403, "forbidden", "This operation is not for you.")
    if operation.identity is Identity.STAFF:
        incoming.roles = staff.roles(incoming.services.database, bearer.person_id)
        if not incoming.roles & operation.roles:
            raise ProblemError(403, "forbidden", "Your roles don't include this operation.")


def _key() -> str:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        raise ProblemError(400, "idempotency_key_missing", "Send the header Idempotency-Key.")
    if not KEY_PATTERN.fullmatch(key):
        raise ProblemError(
            400,
            "idempotency_key_invalid",
            "Idempotency-Key takes 1 to 128 letters, digits, '-' and '_'.",
        )
    return key


def _query_values() -> dict[str, str]:
    values = {}
    for name, found in request.args.lists():
        if len(found) > 1:
            raise ProblemError(400, "invalid_request", f"'{name[:40]}' was sent more than once.")
        values[name] = found[0]
    return values


def _json_body() -> Any:
    if not request.is_json:
        raise ProblemError(415, "unsupported_media_type", "Send application/json.")
    try:
        return request.get_json()
    except BadRequest:
        raise ProblemError(400, "invalid_request", "The body is not JSON.") from None


def _parsed(model: type[BaseModel], values: Any, place: str) -> BaseModel:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ProblemError(
            400,
            "invalid_request",
            f"The {place} is not valid.",
            fields={"errors": _errors(error)},
        ) from None


def _errors(error: ValidationError) -> list[dict[str, str]]:
    """Name each wrong field and what is wrong; the value may be a PIN, so it is not repeated."""
    return [
        {"field": ".".join(str(part) for part in found["loc"]), "problem": found["msg"]}
        for found in error.errors(include_input=False, include_url=False, include_context=False)
    ]


def _once(operation: Operation, incoming: Incoming) -> Response:
    """Run a keyed operation once: the same request is answered again, another one refused."""
    assert incoming.key is not None
    database, context, key = incoming.services.database, incoming.context, incoming.key
    reserved = idempotency.reserve(database, context, key, _digest(operation, incoming.body))
    if isinstance(reserved, Refusal):
        raise of_refusal(reserved)
    if reserved.response_status is not None:
        assert reserved.response is not None
        return _answer(reserved.response_status, reserved.response)
    try:
        answer = operation.handler(incoming)
        assert not isinstance(answer, Response)
        status, document = operation.status, _dumped(answer)
    except ProblemError as problem:
        status, document = problem.status, problem.document
    status, document = idempotency.settle(database, context, key, status, document)
    return _answer(status, document)


def _digest(operation: Operation, body: BaseModel) -> bytes:
    # Without the PIN: the digest of four digits would give them away.
    canonical = json.dumps(
        [operation.name, body.model_dump(mode="json", exclude={"pin"})], sort_keys=True
    )
    return hashlib.sha256(canonical.encode()).digest()


def _dumped(answer: Model | None) -> dict[str, Any]:
    return {} if answer is None else answer.model_dump(mode="json", by_alias=True)


def _answer(status: int, document: dict[str, Any]) -> Response:
    if status == 204:
        return Response(status=204)
    answer = jsonify(document)
    answer.status_code = status
    answer.headers["Cache-Control"] = "no-store"
    if status >= 400:
        answer.content_type = "application/problem+json"
    return answer
