"""Coming in: codes by SMS, registration, login, fresh tokens, logout."""

from flask import Blueprint

from jobs.queue import Task, ring
from ledger.commands import api_access, one_time_codes, staff
from ledger.commands.api_access import OpenSession
from ledger.commands.pins import check_pin
from ledger.commands.register import register
from ledger.core.access import (
    ACCESS_TOKEN_LIFETIME,
    CODE_LIFETIME,
    AccessCode,
    AccessRefusal,
    CodePurpose,
)
from ledger.core.context import Context
from ledger.core.msisdn import parse_msisdn
from ledger.core.people import NewUser
from ledger.core.pins import pin_problem
from ledger.core.refusals import Refusal, RefusalCode
from ledger.queries import users
from ledger.totp import TotpSealer
from ussd_app.channels.api import tokens
from ussd_app.channels.api.models import (
    CodeRequest,
    CodeSent,
    CustomerLogin,
    Login,
    RefreshRequest,
    Registration,
    Session,
    StaffLogin,
)
from ussd_app.channels.api.operations import Identity, Incoming, Operation, declare
from ussd_app.channels.api.problems import ProblemError, of_access_refusal, of_refusal


def attach(blueprint: Blueprint) -> None:
    """Declare the operations of this module."""
    for operation in _OPERATIONS:
        declare(blueprint, operation)


def number_of(phone: str) -> str:
    """Return a phone as sent in the stored form, or end the request."""
    msisdn = parse_msisdn(phone)
    if msisdn is None:
        raise ProblemError(422, "phone_invalid", "This is not a Kenyan mobile number.")
    return msisdn


def _send_code(incoming: Incoming) -> CodeSent:
    body: CodeRequest = incoming.body
    msisdn = number_of(body.phone)
    purpose = body.purpose
    database = incoming.services.database
    if purpose is None:
        known = users.find(database, msisdn) is not None
        purpose = CodePurpose.LOGIN if known else CodePurpose.REGISTRATION
    refusal = one_time_codes.send_code(database, msisdn, purpose, body.language)
    if refusal is not None:
        raise of_access_refusal(refusal)
    ring(incoming.services.redis, Task.SEND_SMS)
    return CodeSent.model_construct(expires_in_seconds=int(CODE_LIFETIME.total_seconds()))


def _register(incoming: Incoming) -> Session:
    body: Registration = incoming.body
    database = incoming.services.database
    msisdn = number_of(body.phone)
    pin = body.pin.get_secret_value()
    _check_code(incoming, msisdn, CodePurpose.REGISTRATION, body.otp)
    # Before the code is used up, so that a better PIN can be sent with the same code.
    problem = pin_problem(pin, msisdn)
    if problem is not None:
        raise of_refusal(Refusal(RefusalCode.PIN_WEAK, {"problem": problem}))
    _use_code(incoming, msisdn, CodePurpose.REGISTRATION)
    new = NewUser(
        msisdn=msisdn,
        first_name=body.first_name.strip(),
        last_name=body.last_name.strip(),
        language=body.language,
        consent_version=body.consent_version,
        channel="api",
    )
    user = register(database, Context(actor="system:api", channel="api"), new, pin)
    if isinstance(user, Refusal):
        raise of_refusal(user)
    ring(incoming.services.redis, Task.SEND_SMS)
    return _session(incoming, api_access.open_customer_session(database, user.id, None))


def _login(incoming: Incoming) -> Session:
    credentials = incoming.body.root
    if isinstance(credentials, StaffLogin):
        return _staff_login(incoming, credentials)
    return _customer_login(incoming, credentials)


def _customer_login(incoming: Incoming, body: CustomerLogin) -> Session:
    """Check the second factor before the PIN: a stranger must not be able to lock a PIN."""
    database = incoming.services.database
    msisdn = number_of(body.phone)
    user = users.find(database, msisdn)
    device_id = None
    if body.device_token is not None and user is not None:
        device_id = api_access.find_device(database, user.id, body.device_token)
    if device_id is None:
        if body.otp is None:
            raise of_access_refusal(AccessRefusal(AccessCode.CREDENTIALS_WRONG))
        _check_code(incoming, msisdn, CodePurpose.LOGIN, body.otp)
    if user is None or user.status != "active":
        raise of_access_refusal(AccessRefusal(AccessCode.CREDENTIALS_WRONG))
    context = Context.of_user(user.id, "api")
    checked = check_pin(database, context, user.id, body.pin.get_secret_value())
    if isinstance(checked, Refusal):
        raise of_refusal(checked)
    if device_id is None:
        _use_code(incoming, msisdn, CodePurpose.LOGIN)
    return _session(incoming, api_access.open_customer_session(database, user.id, device_id))


def _staff_login(incoming: Incoming, body: StaffLogin) -> Session:
    database = incoming.services.database
    signed_in = staff.check_password(database, body.email, body.password.get_secret_value())
    if isinstance(signed_in, AccessRefusal):
        raise of_access_refusal(signed_in)
    sealer = TotpSealer(incoming.services.settings.secret_key.get_secret_value())
    refusal = staff.check_second_factor(database, sealer, signed_in.admin_id, body.totp)
    if refusal is not None:
        raise of_access_refusal(refusal)
    return _session(incoming, api_access.open_staff_session(database, signed_in.admin_id))


def _refresh(incoming: Incoming) -> Session:
    body: RefreshRequest = incoming.body
    answer = api_access.refresh(incoming.services.database, body.refresh_token)
    if isinstance(answer, AccessRefusal):
        raise of_access_refusal(answer)
    return _session(incoming, answer)


def _logout(incoming: Incoming) -> None:
    assert incoming.bearer is not None
    api_access.end_session(incoming.services.database, incoming.bearer.session_id)


def _check_code(incoming: Incoming, msisdn: str, purpose: CodePurpose, typed: str) -> None:
    pepper = incoming.services.settings.pin_pepper.get_secret_value()
    refusal = one_time_codes.check_code(incoming.services.database, pepper, msisdn, purpose, typed)
    if refusal is not None:
        raise of_access_refusal(refusal)


def _use_code(incoming: Incoming, msisdn: str, purpose: CodePurpose) -> None:
    refusal = one_time_codes.use_code(incoming.services.database, msisdn, purpose)
    if refusal is not None:
        raise of_access_refusal(refusal)


def _session(incoming: Incoming, opened: OpenSession) -> Session:
    kind, person_id = ("user", opened.user_id) if opened.user_id else ("admin", opened.admin_id)
    assert person_id is not None
    bearer = tokens.Bearer("user" if kind == "user" else "admin", person_id, opened.session_id)
    secret_key = incoming.services.settings.secret_key.get_secret_value()
    return Session.model_construct(
        user_id=str(person_id),
        access_token=tokens.issue(secret_key, bearer),
        refresh_token=opened.refresh_token,
        expires_in_seconds=int(ACCESS_TOKEN_LIFETIME.total_seconds()),
        device_token=opened.device_token,
    )


_OPERATIONS = (
    Operation(
        "sendCode",
        "POST",
        "/auth/otp",
        "Send a one-time code by SMS. The answer is the same whether the number is known or not.",
        _send_code,
        CodeSent,
        202,
        Identity.ANYONE,
        CodeRequest,
        problems=(422,),
    ),
    Operation(
        "register",
        "POST",
        "/auth/register",
        "Open a wallet with a code for registration, and log in.",
        _register,
        Session,
        201,
        Identity.ANYONE,
        Registration,
        problems=(401, 409, 422),
    ),
    Operation(
        "login",
        "POST",
        "/auth/login",
        "Log in: a customer by PIN and code or known device, staff by password and second factor.",
        _login,
        Session,
        200,
        Identity.ANYONE,
        Login,
        problems=(401, 403, 422),
    ),
    Operation(
        "refresh",
        "POST",
        "/auth/refresh",
        "Swap a refresh token for a new pair. A token sent twice ends its session.",
        _refresh,
        Session,
        200,
        Identity.ANYONE,
        RefreshRequest,
        problems=(401,),
    ),
    Operation(
        "logout",
        "POST",
        "/auth/logout",
        "End the session of the access token.",
        _logout,
        None,
        204,
    ),
)
