"""Every route asks who calls, or stands here as open to everybody."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from ledger.db.engine import Database
from tests.web_process import web_process
from ussd_app.services import Services
from ussd_app.settings import Settings
from ussd_app.web import front_routes

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


def calls(app: Flask) -> list[tuple[str, str]]:
    """Methods and rules, of Flask and of the front."""
    return [
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ] + [("POST", route.rule) for route in front_routes(app.extensions["cycle"])]


def filled(rule: str) -> str:
    """The rule's path with its parts filled in by values that nobody has been given."""
    path = re.sub(r"<int:[^>]+>", "999999", rule)
    path = re.sub(r"<uuid:[^>]+>", "00000000-0000-4000-8000-000000000000", path)
    return re.sub(r"<[^>]+>", "nobody-was-given-this-one", path)


def let_in(app: Flask) -> list[str]:
    """Return the routes that answer a stranger and are not known to be open."""
    client, found = app.test_client(), []
    for method, rule in calls(app):
        if rule in OPEN or rule.startswith(TOKEN_IN_PATH):
            continue
        status = client.open(filled(rule), method=method).status_code
        if rule.startswith(KEY_IN_PATH):
            expected = {404}
        else:
            expected = REFUSED.get("/" + rule.split("/")[1], set())
        if status not in expected:
            found.append(f"{method} {rule} answered {status}")
    return found


def test_every_route_is_known_to_be_open_or_refuses_strangers(app: Flask) -> None:
    assert let_in(app) == []


@pytest.mark.parametrize("path", ["/api/new", "/admin2/new", "/new", "/at/<key>/new"])
def test_a_new_route_without_authentication_is_noticed(
    settings: Settings, database: Database, redis_client: Redis, path: str
) -> None:
    with web_process(Services(settings, database, redis_client)) as app:
        app.add_url_rule(path, "new", lambda **arguments: "let in")

        assert let_in(app) == [f"GET {path} answered 200"]


def test_tokens_of_hooks_are_part_of_their_paths(app: Flask) -> None:
    hooks = [rule for _, rule in calls(app) if rule.startswith(TOKEN_IN_PATH)]

    assert len(hooks) == 5
    assert all("<token>" in rule for rule in hooks)


@pytest.mark.parametrize(
    "path", ["/", "/at", "/at/x/nothing", "/hooks", "/nothing", "/api/nothing"]
)
def test_unknown_path_is_refused_without_a_page(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert "<html" not in answer.text


def test_the_front_serves_posts_only_and_has_each_rule_once(
    app: Flask, client: FlaskClient
) -> None:
    rules = [route.rule for route in front_routes(app.extensions["cycle"])]

    assert len(rules) == len(set(rules)) > 5
    assert not {rule.rule for rule in app.url_map.iter_rules()} & set(rules)
    for rule in rules:
        assert client.get(filled(rule)).status_code == 405, rule
