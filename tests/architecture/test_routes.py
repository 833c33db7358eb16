"""Every route asks who calls, or stands here as open to everybody."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

OPEN = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/verify/<reference>",
    "/admin/sign-in",
    "/admin/static/<path:filename>",
    "/api/openapi.json",
    "/api/auth/otp",
    "/api/auth/register",
    "/api/auth/login",
    "/api/auth/refresh",
}
"""Routes that anybody may call: operators', the way in, and public checks."""

TOKEN_IN_PATH = ("/hooks/stk/", "/hooks/b2c/", "/hooks/status/")
"""Daraja signs nothing: each payment's own token is in its path, and anything else is kept
for a person to look at and credits nothing (tests of the hooks show it)."""

KEY_IN_PATH = ("/at/", "/hooks/c2b/")
REFUSED = {"/api": {401, 403}, "/admin": {302, 303, 401, 403}}


def calls(app: Flask) -> list[tuple[str, Rule]]:
    return [
        (method, rule)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def filled(rule: Rule) -> str:
    """The rule's path with its parts filled in by values that nobody has been given."""
    path = re.sub(r"<int:[^>]+>", "999999", rule.rule)
    path = re.sub(r"<uuid:[^>]+>", "00000000-0000-4000-8000-000000000000", path)
    return re.sub(r"<[^>]+>", "nobody-was-given-this-one", path)


def test_every_route_is_known_to_be_open_or_refuses_strangers(
    app: Flask, client: FlaskClient
) -> None:
    let_in = []
    for method, rule in calls(app):
        if rule.rule in OPEN or rule.rule.startswith(TOKEN_IN_PATH):
            continue
        status = client.open(filled(rule), method=method).status_code
        if rule.rule.startswith(KEY_IN_PATH):
            expected = {404}
        else:
            expected = REFUSED.get("/" + rule.rule.split("/")[1], set())
        if status not in expected:
            let_in.append(f"{method} {rule.rule} answered {status}")
    assert let_in == []


def test_tokens_of_hooks_are_part_of_their_paths(app: Flask) -> None:
    hooks = [rule.rule for _, rule in calls(app) if rule.rule.startswith(TOKEN_IN_PATH)]

    assert hooks
    assert all("<token>" in rule for rule in hooks)


@pytest.mark.parametrize(
    "path", ["/", "/at", "/at/x/nothing", "/hooks", "/nothing", "/api/nothing"]
)
def test_unknown_path_is_refused_without_a_page(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert "<html" not in answer.text
