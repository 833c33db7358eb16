"""What all callbacks of Africa's Talking share: the secret key in the path, and strict forms.

Africa's Talking signs nothing, so who knows the path is who may call.
"""

import hmac
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import abort
from werkzeug.sansio.request import Request

from jobs.networks import is_known
from ussd_app.services import services
from ussd_app.settings import Settings

AT_BODY_BYTES = 16 * 1024
"""Largest form that /at takes: Africa's Talking sends at most a few hundred bytes."""

Parameters = ParamSpec("Parameters")


def keyed(
    view: Callable[Parameters, ResponseReturnValue],
) -> Callable[Parameters, ResponseReturnValue]:
    """Let a view under ``/at/<key>/`` answer only with a current key; otherwise 404.

    The view itself is not handed the key.
    """

    @wraps(view)
    def checked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> ResponseReturnValue:
        check_caller(services().settings, request, str(kwargs.pop("key", "")))
        return view(*args, **kwargs)

    return checked


def check_caller(settings: Settings, request: Request, key: str) -> None:
    """Answer 404 to a caller without a current key, or from outside the known networks."""
    known = is_known(request.remote_addr, settings.at_callback_networks)
    if not (_is_current(settings, key) and known):
        abort(404)


def _is_current(settings: Settings, key: str) -> bool:
    given = key.encode("utf-8", "surrogatepass")
    # Every key is compared, so the time tells nothing about which one was near.
    matches = [
        hmac.compare_digest(given, known.get_secret_value().encode())
        for known in settings.at_callback_keys
    ]
    return any(matches)


def read_form(
    form: MultiDict[str, str], *required: str, optional: tuple[str, ...] = ()
) -> dict[str, str]:
    """Return named fields of a posted form; 400 when one is missing, empty or doubled.

    Optional fields default to an empty text; fields that nobody asked for are left out.
    """
    for name in (*required, *optional):
        if len(form.getlist(name)) > 1:
            abort(400)
    if any(not form.get(name) for name in required):
        abort(400)
    # PostgreSQL keeps no NUL, and nothing real holds one.
    return {name: form.get(name, "").replace("\0", "") for name in (*required, *optional)}
