"""The OpenAPI 3.1 document, made from the declared operations and their shapes."""

import re
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ussd_app.channels.api.models import KEY_PATTERN, Problem
from ussd_app.channels.api.operations import OPERATIONS, Identity, Operation

_REFERENCE = "#/components/schemas/{model}"
_PATH_ARGUMENT = re.compile(r"<(?:[a-z]+:)?(?P<name>\w+)>")


def document(version: str) -> dict[str, Any]:
    """Return the document of all operations that were declared."""
    inputs = {model for op in OPERATIONS for model in (op.body,) if model is not None}
    outputs = {model for op in OPERATIONS for model in (op.answer, Problem) if model is not None}
    wanted: list[tuple[type[BaseModel], Any]] = [
        *((model, "validation") for model in sorted(inputs, key=lambda m: m.__name__)),
        *((model, "serialization") for model in sorted(outputs, key=lambda m: m.__name__)),
    ]
    references, definitions = models_json_schema(wanted, ref_template=_REFERENCE)
    schemas = {(model, mode): schema for (model, mode), schema in references.items()}
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        path = "/api" + _PATH_ARGUMENT.sub(r"{\g<name>}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _entry(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Cycle", "version": version, "description": _DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


_DESCRIPTION = (
    "A wallet's JSON API. Amounts are decimal strings in Kenyan shillings. Errors are problem"
    " documents (RFC 9457) with a stable `code`."
)


def _entry(operation: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": _responses(operation, schemas),
    }
    parameters = _parameters(operation)
    if parameters:
        entry["parameters"] = parameters
    if operation.identity is not Identity.ANYONE:
        entry["security"] = [{"bearer": []}]
    if operation.body is not None:
        entry["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas[operation.body, "validation"]}},
        }
    return entry


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {
            "name": match["name"],
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": "^[0-9A-Za-z_]{1,40}$"},
        }
        for match in _PATH_ARGUMENT.finditer(operation.path)
    ]
    if operation.keyed:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "Chosen by the caller; the same key and request are done once",
                "schema": {"type": "string", "pattern": f"^{KEY_PATTERN.pattern}$"},
            }
        )
    if operation.query is not None:
        schema = operation.query.model_json_schema(by_alias=True)
        required = schema.get("required", [])
        for name, shape in schema["properties"].items():
            parameters.append(
                {
                    "name": name,
                    "in": "query",
                    "required": name in required,
                    "schema": _without_null(shape),
                }
            )
    return parameters


def _without_null(shape: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a query value: a parameter can be left out, but it can't be null."""
    plain = {name: value for name, value in shape.items() if name not in ("title", "default")}
    options = [option for option in plain.pop("anyOf", []) if option != {"type": "null"}]
    return {**plain, **(options[0] if len(options) == 1 else {})}


def _responses(operation: Operation, schemas: dict[Any, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if operation.answer is not None:
        success["content"] = {
            "application/json": {"schema": schemas[operation.answer, "serialization"]},
            **{kind: {"schema": {"type": "string"}} for kind in operation.files},
        }
    problem = {"application/problem+json": {"schema": schemas[Problem, "serialization"]}}
    return {
        str(operation.status): success,
        **{
            str(status): {"description": HTTPStatus(status).phrase, "content": problem}
            for status in sorted(_problem_statuses(operation))
        },
    }


def _problem_statuses(operation: Operation) -> set[int]:
    statuses = {429, 503, *operation.problems}
    if operation.identity is not Identity.ANYONE:
        statuses |= {401}
        if operation.name != "logout":
            statuses |= {403}
    if operation.body is not None:
        statuses |= {400, 413, 415}
    if operation.query is not None or operation.keyed:
        statuses |= {400}
    if operation.keyed:
        statuses |= {403, 409, 422}
    if _PATH_ARGUMENT.search(operation.path):
        statuses |= {404}
    return statuses
