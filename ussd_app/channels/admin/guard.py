"""Who gets into the console, what a form must carry, and what the browser is told."""

import hashlib
import hmac
from collections.abc import Callable
from functools import wraps
from urllib.parse import urlsplit

from flask import Response, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ledger.commands import staff
from ledger.core.access import Role
from ledger.core.context import Context
from ledger.db.staff import ConsoleVisitor
from ussd_app.services import services

COOKIE = "cycle_console"
READERS = frozenset(Role)
MONEY = frozenset({Role.ADMIN, Role.FINANCE})
MONEY_READERS = frozenset({Role.ADMIN, Role.FINANCE, Role.AUDITOR})
PEOPLE = frozenset({Role.ADMIN, Role.SUPPORT})
WHY_LENGTH_MIN = 3
WHY_LENGTH_MAX = 500

# Nothing but our own style sheets: no script, no frame, no other origin.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)
_OPEN_ENDPOINTS = frozenset({"admin.sign_in", "admin.enrol", "admin.static"})

View = Callable[..., ResponseReturnValue]


def check_visitor() -> ResponseReturnValue | None:
    """Let in who has a live session, and only forms that our own pages sent."""
    g.visitor = None
    if request.method == "POST" and not _is_same_origin():
        abort(403)
    if request.endpoint in _OPEN_ENDPOINTS:
        return None
    token = request.cookies.get(COOKIE, "")
    visitor = staff.see_console_session(services().database, token) if token else None
    if visitor is None:
        return redirect(url_for("admin.sign_in"))
    g.visitor = visitor
    if request.method == "POST" and not hmac.compare_digest(
        request.form.get("form_token", "").encode(), form_token(token).encode()
    ):
        abort(403)
    return None


def _is_same_origin() -> bool:
    """Tell whether a form comes from our own pages, as every browser says since 2020."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


def form_token(session_token: str) -> str:
    """Return what each form of a session carries; worth nothing to another session."""
    key = services().settings.secret_key.get_secret_value().encode()
    return hmac.digest(key, b"console form:" + session_token.encode(), hashlib.sha256).hex()


def harden(response: Response) -> Response:
    """Tell the browser to trust nothing but us, and to keep nothing."""
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "no-referrer"
    if request.endpoint != "admin.static":
        response.headers["Cache-Control"] = "no-store"
    return response


def needs(roles: frozenset[Role]) -> Callable[[View], View]:
    """Let only these roles use a page."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*arguments: object, **named: object) -> ResponseReturnValue:
            if not may(roles):
                abort(403)
            return view(*arguments, **named)

        return guarded

    return decorate


def visitor() -> ConsoleVisitor:
    """Return who acts; only behind ``check_visitor``."""
    found = g.visitor
    assert isinstance(found, ConsoleVisitor)
    return found


def may(roles: frozenset[Role]) -> bool:
    """Tell whether the visitor has one of these roles."""
    return bool(roles & frozenset(visitor().roles))


def context() -> Context:
    """Return the context under which the visitor's actions are audited."""
    return Context(actor=f"admin:{visitor().admin_id}", channel="console")


def why() -> str:
    """Return the reason that every action needs, or refuse the form."""
    reason = " ".join(request.form.get("why", "").split())
    if not WHY_LENGTH_MIN <= len(reason) <= WHY_LENGTH_MAX:
        abort(400, "Say why, in a few words.")
    return reason
