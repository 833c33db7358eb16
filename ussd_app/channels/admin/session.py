"""Signing in with password and second factor, enrolling the factor first, signing out."""

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeTimedSerializer

from ledger import totp
from ledger.commands import staff
from ledger.core.access import AccessCode, AccessRefusal
from ledger.totp import TotpSealer
from ussd_app.channels.admin.guard import COOKIE
from ussd_app.channels.api.limits import limiter, source_key
from ussd_app.services import services

_ENROLMENT_SECONDS = 600
_SAME_WORDS = "That is not right. Check the address, the password and the code."
_WORDS = {
    AccessCode.STAFF_LOCKED: "Too many wrong tries. Wait a quarter of an hour.",
    AccessCode.TOTP_WRONG: _SAME_WORDS,
    AccessCode.CREDENTIALS_WRONG: _SAME_WORDS,
}


def attach(blueprint: Blueprint) -> None:
    """Add the pages of this module."""
    limited = limiter.limit("30 per minute", key_func=source_key)
    blueprint.add_url_rule("/sign-in", view_func=limited(sign_in), methods=["GET", "POST"])
    blueprint.add_url_rule("/enrol", view_func=limited(enrol), methods=["POST"])
    blueprint.add_url_rule("/sign-out", view_func=sign_out, methods=["POST"])


def sign_in() -> ResponseReturnValue:
    """Ask for address, password and code; who has no second factor yet gets one."""
    if request.method == "GET":
        return render_template("admin/sign_in.html", problem=None, email="")
    email = request.form.get("email", "")[:200].strip()
    database = services().database
    signed_in = staff.check_password(database, email, request.form.get("password", "")[:200])
    if isinstance(signed_in, AccessRefusal):
        return _again(signed_in, email)
    if not signed_in.has_second_factor:
        return _enrolment_page(signed_in.admin_id, signed_in.email, totp.new_secret(), None)
    code = request.form.get("code", "").strip()
    refusal = staff.check_second_factor(database, _sealer(), signed_in.admin_id, code)
    if refusal is not None:
        return _again(refusal, email)
    return _begin(signed_in.admin_id)


def enrol() -> ResponseReturnValue:
    """Take the first code of a new second factor, and let its owner in."""
    try:
        carried = _serializer().loads(request.form.get("enrolment", ""), _ENROLMENT_SECONDS)
    except BadSignature:
        return redirect(url_for("admin.sign_in"))
    admin_id, email, secret = carried["id"], carried["email"], _sealer().open(carried["secret"])
    code = request.form.get("code", "").strip()
    refusal = staff.enrol_second_factor(services().database, _sealer(), admin_id, secret, code)
    if refusal is not None and refusal.code is AccessCode.TOTP_WRONG:
        return _enrolment_page(admin_id, email, secret, "That code does not fit. Try the next one.")
    if refusal is not None:
        return redirect(url_for("admin.sign_in"))
    return _begin(admin_id)


def sign_out() -> ResponseReturnValue:
    """End the session."""
    staff.end_console_session(services().database, request.cookies.get(COOKIE, ""))
    answer = make_response(redirect(url_for("admin.sign_in")))
    answer.delete_cookie(COOKIE, path="/admin")
    return answer


def _again(refusal: AccessRefusal, email: str) -> ResponseReturnValue:
    words = _WORDS.get(refusal.code, _SAME_WORDS)
    return render_template("admin/sign_in.html", problem=words, email=email), 401


def _enrolment_page(
    admin_id: int, email: str, secret: str, problem: str | None
) -> ResponseReturnValue:
    carried = {"id": admin_id, "email": email, "secret": _sealer().seal(secret)}
    return render_template(
        "admin/enrol.html",
        secret=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        address=totp.enrolment_address(secret, email),
        enrolment=_serializer().dumps(carried),
        problem=problem,
    ), 200 if problem is None else 401


def _begin(admin_id: int) -> ResponseReturnValue:
    token = staff.open_console_session(services().database, admin_id)
    answer = make_response(redirect(url_for("admin.today"), 303))
    answer.set_cookie(
        COOKIE,
        token,
        path="/admin",
        httponly=True,
        samesite="Strict",
        secure=services().settings.public_url.startswith("https://"),
    )
    return answer


def _sealer() -> TotpSealer:
    return TotpSealer(services().settings.secret_key.get_secret_value())


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        services().settings.secret_key.get_secret_value(), salt="console enrolment"
    )
