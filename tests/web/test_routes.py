"""Every route with how its callers prove themselves: a new one fails until it is listed here."""

import re

from flask import Flask

PROVIDER_KEY = "a secret key or token in the path"
BEARER = "an access token, its session alive"
CONSOLE = "a console session with the right role"
ANYONE = "nobody's secret: says what anyone may know"
PROOF = "checks credentials itself"

AUTHENTICATION = {
    "/healthz": ANYONE,
    "/readyz": ANYONE,
    "/metrics": ANYONE,
    "/verify/<reference>": ANYONE,
    "/api/openapi.json": ANYONE,
    "/api/auth/otp": PROOF,
    "/api/auth/register": PROOF,
    "/api/auth/login": PROOF,
    "/api/auth/refresh": PROOF,
    "/api/auth/logout": BEARER,
    "/admin/sign-in": PROOF,
    "/admin/enrol": PROOF,
}
PREFIXES = {
    "/at/<": PROVIDER_KEY,
    "/hooks/": PROVIDER_KEY,
    "/api/wallet/": BEARER,
    "/api/reconciliation/": BEARER,
    "/admin/static/": ANYONE,
    "/admin/": CONSOLE,
}
_ARGUMENT = re.compile(r"<[^>]+>")
_DUMMIES = {"DELETE": {}, "GET": {}, "POST": {"json": {}}, "PUT": {"json": {}}}


def _listed(rule: str) -> str | None:
    found = AUTHENTICATION.get(rule)
    return found or next((how for start, how in PREFIXES.items() if rule.startswith(start)), None)


def test_every_route_is_listed_with_its_authentication(app: Flask) -> None:
    unlisted = [rule.rule for rule in app.url_map.iter_rules() if _listed(rule.rule) is None]
    assert not unlisted, f"say in this file how callers of {unlisted} prove themselves"


def test_a_bearer_route_answers_401_without_a_token(app: Flask) -> None:
    client = app.test_client()
    tried = 0
    for rule in app.url_map.iter_rules():
        if _listed(rule.rule) != BEARER:
            continue
        for method in sorted((rule.methods or set()) & set(_DUMMIES)):
            path = _ARGUMENT.sub("1", rule.rule)
            answer = client.open(path, method=method, **_DUMMIES[method])
            assert answer.status_code == 401, f"{method} {rule.rule}"
            tried += 1
    assert tried


def test_a_console_route_leads_to_the_sign_in_without_a_session(app: Flask) -> None:
    client = app.test_client()
    tried = 0
    for rule in app.url_map.iter_rules():
        if _listed(rule.rule) != CONSOLE:
            continue
        for method in sorted((rule.methods or set()) & set(_DUMMIES)):
            path = _ARGUMENT.sub("1", rule.rule)
            answer = client.open(path, method=method)
            assert answer.status_code == 302, f"{method} {rule.rule}"
            assert answer.headers["Location"] == "/admin/sign-in"
            tried += 1
    assert tried > 10
