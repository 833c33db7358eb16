"""What the APIs share: tokens, the courier of callbacks, and the way through one call."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, request

from standin.cut import cut_connection
from standin.daraja.courier import Courier
from standin.daraja.credentials import Credentials
from standin.daraja.tokens import Tokens
from standin.daraja.wire import (
    HTML_503,
    QUOTA,
    SOAP_409,
    SPIKE,
    Api,
    RefusedError,
    Reply,
    read_fields,
)
from standin.faults import Fault
from standin.money import to_cents
from standin.requests_log import LoggedRequest
from standin.world import World

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_PHONE_FIELDS = ("PhoneNumber", "PartyB", "Msisdn")
_PAYMENT_FIELDS = ("CheckoutRequestID", "TransactionID", "OriginalConversationID")
_SLOW_SECONDS = 5.0
CUT = Reply(0, "")
"""Stands for no answer at all: the connection is cut."""


@dataclass(frozen=True, slots=True)
class Registration:
    """Where a shortcode wants its C2B notifications. ``version`` decides the MSISDN's form."""

    version: str
    response_type: str
    confirmation_url: str
    validation_url: str


@dataclass(frozen=True, slots=True)
class Daraja:
    """The running M-Pesa gateway."""

    world: World
    tokens: Tokens
    courier: Courier
    credentials: Credentials
    c2b_urls: dict[str, Registration] = field(default_factory=dict)
    pull_registered: set[str] = field(default_factory=set)

    @classmethod
    def create(cls, world: World) -> "Daraja":
        """Build a gateway on a world."""
        daraja = cls(world, Tokens(world), Courier(world), Credentials(world.settings))
        daraja.reset()
        return daraja

    def reset(self) -> None:
        """Return to how a gateway starts; the paybill's URLs come from the settings then."""
        self.tokens.revoke()
        self.credentials.unlock()
        self.courier.reset()
        self.pull_registered.clear()
        self.c2b_urls.clear()
        settings = self.world.settings
        if settings.standin_c2b_confirmation_url:
            # An organisation that has set up its paybill has subscribed to its list, too.
            self.pull_registered.add(settings.mpesa_shortcode)
            self.c2b_urls[settings.mpesa_shortcode] = Registration(
                "v2",
                "Completed",
                settings.standin_c2b_confirmation_url,
                settings.standin_c2b_validation_url,
            )


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated call with a JSON body."""

    daraja: Daraja
    api: Api
    fields: dict[str, Any]

    def text(self, name: str, minimum: int = 1, maximum: int = 255) -> str:
        """Return a field as text, refusing one that is missing or out of length."""
        value = self.fields.get(name)
        if value is None or isinstance(value, dict | list | bool):
            raise self.api.invalid(name)
        text = str(value).strip()
        if not minimum <= len(text) <= maximum:
            raise self.api.invalid(name)
        return text

    def optional(self, name: str, maximum: int = 255) -> str:
        """Return a field as text, or the empty text when it is missing."""
        return "" if self.fields.get(name) in (None, "") else self.text(name, 1, maximum)

    def whole_amount(self, name: str = "Amount") -> int:
        """Return an amount of whole shillings, at least one, in cents."""
        cents = to_cents(self.fields.get(name))
        if cents is None or cents < 100 or cents % 100:
            raise self.api.invalid(name)
        return cents


Handler = Callable[[Call], Reply]


def route(app: Flask, daraja: Daraja, path: str, api: Api, handler: Handler) -> None:
    """Serve an API at a path under ``/daraja``; other methods than POST get 405.001."""

    def view() -> Response:
        return serve(daraja, api, lambda fields: handler(_admit(daraja, api, fields)))

    app.add_url_rule(f"/daraja{path}", f"daraja {path}", view, methods=_METHODS)


def serve(daraja: Daraja, api: Api, process: Callable[[dict[str, Any] | None], Reply]) -> Response:
    """Take one call through the log, the fault rules and its processing."""
    world = daraja.world
    fields = read_fields()
    entry = world.requests.add(
        api.place, request.method, request.path, fields or {}, world.clock.now()
    )
    msisdn, amount = _subject(world, fields or {})
    fault = world.faults.pick(api.place, msisdn=msisdn, amount=amount)
    entry.fault = fault.kind if fault else None
    reply = _before(daraja, api, fault)
    if reply is None:
        try:
            reply = process(fields)
        except RefusedError as refusal:
            reply = refusal.reply()
        reply = _after(api, fault, reply)
    if reply is CUT:
        return cut_connection()
    _note(entry, reply)
    return reply.response()


def _admit(daraja: Daraja, api: Api, fields: dict[str, Any] | None) -> Call:
    if request.method != "POST":
        raise RefusedError(405, "405.001", "Method Not Allowed")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        raise RefusedError(404, "404.001.04", "Invalid Authentication Header")
    if not daraja.tokens.valid(token):
        raise api.token_refused(token)
    if fields is None and (request.content_type or "").startswith("application/json"):
        raise RefusedError(400, "400.002.05", "Invalid Request Payload")
    if fields is None:
        raise api.invalid("BusinessShortCode / InitiatorName / RecieverIdentifierType")
    return Call(daraja, api, fields)


def _before(daraja: Daraja, api: Api, fault: Fault | None) -> Reply | None:
    """Return the answer of a fault that keeps the call from being processed, or None."""
    if fault is None or fault.processed:
        return None
    if fault.kind == "expired_token":
        daraja.tokens.revoke()
        _, _, token = request.headers.get("Authorization", "").partition(" ")
        return api.token_refused(token).reply()
    if fault.kind == "drop":
        return CUT
    return _wrong_answer(api, fault)


def _after(api: Api, fault: Fault | None, reply: Reply) -> Reply:
    if fault is None:
        return reply
    if fault.kind == "slow":
        time.sleep(_SLOW_SECONDS if fault.seconds is None else fault.seconds)
    elif fault.kind == "lose_reply":
        time.sleep(fault.seconds or 0.0)
        return CUT
    elif fault.kind == "string_types" and isinstance(reply.body, dict):
        return Reply(reply.status, _as_other_type(reply.body))
    elif fault.processed:
        return _wrong_answer(api, fault) or reply
    return reply


def _wrong_answer(api: Api, fault: Fault) -> Reply | None:
    """Return the answer of the kinds that answer wrongly, or None for the other kinds."""
    given = fault.parameters
    if fault.kind == "refuse" and api.place == "oauth" and "code" not in given:
        return Reply(400, "")
    answers: dict[str, RefusedError | Reply] = {
        "refuse": api.invalid("Request"),
        "error500": api.error500(),
        "spike": SPIKE,
        "quota": QUOTA,
        "html503": HTML_503,
        "soap409": SOAP_409,
        "empty": Reply(200, ""),
        "hiccup": Reply(200, RefusedError(200, "500.001.1001", "").reply().body),
    }
    answer = answers.get(fault.kind)
    if isinstance(answer, RefusedError):
        return RefusedError(
            int(given.get("status", answer.status)),
            str(given.get("code", answer.code)),
            str(given.get("text", answer.text)),
        ).reply()
    return answer


def _as_other_type(value: object) -> object:
    """Turn numbers into strings and strings of digits into numbers, as drifting types do."""
    if isinstance(value, dict):
        return {name: _as_other_type(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_as_other_type(inner) for inner in value]
    if isinstance(value, str) and re.fullmatch(r"[0-9]+(\.00)?", value):
        return int(value.removesuffix(".00"))
    return str(value) if isinstance(value, int | float) else value


def _subject(world: World, fields: dict[str, Any]) -> tuple[str, int | None]:
    """Return whom and how much a call is about, so that fault rules can aim at them."""
    phone = next((str(fields[name]) for name in _PHONE_FIELDS if name in fields), None)
    if phone is not None:
        return phone, to_cents(fields.get("Amount"))
    identifiers = [str(fields.get(name)) for name in _PAYMENT_FIELDS]
    books = world.books
    found = next((p for text in identifiers if (p := books.by_identifier(text))), None)
    return (found.msisdn, found.amount) if found else ("", None)


def _note(entry: LoggedRequest, reply: Reply) -> None:
    entry.status = reply.status
    if isinstance(reply.body, dict):
        entry.answer = {k: v for k, v in reply.body.items() if k != "access_token"}
