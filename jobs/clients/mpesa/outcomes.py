"""What became of a request to Daraja: four outcomes, and the table that decides (Daraja 1.3)."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from jobs.clients.mpesa.redaction import redact_text


class Api(StrEnum):
    """The Daraja API that was called; one error code means different things on different ones."""

    STK_PUSH = "stk_push"
    STK_QUERY = "stk_query"
    B2C = "b2c"
    TRANSACTION_STATUS = "transaction_status"
    ACCOUNT_BALANCE = "account_balance"
    REVERSAL = "reversal"
    C2B = "c2b"
    PULL = "pull"


class Outcome(StrEnum):
    """Whether money may move because of a request."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """Certainly not acted on."""
    DUPLICATE = "duplicate"
    """Certainly acted on earlier, under the same identifier."""
    UNKNOWN = "unknown"
    """Nobody can tell from the answer; ask, never send again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Daraja's answer to one request.

    ``code`` is Daraja's own (``ResponseCode`` or ``errorCode``), or one of ours in lower case
    when there was no answer to read; ``text`` is redacted. ``temporary`` marks a refusal
    that the gateway gave before acting, so the same request may be sent later.
    """

    outcome: Outcome
    code: str
    text: str
    temporary: bool = False
    http_status: int | None = None
    body: dict[str, object] = field(default_factory=dict, repr=False)

    def field_text(self, name: str, length_max: int = 64) -> str | None:
        """Return a field of the answer as text, or None when it is missing or empty."""
        value = self.body.get(name)
        if value is None or isinstance(value, dict | list):
            return None
        return clean_text(str(value), length_max) or None


TOKEN_CODES = frozenset(
    {"404.001.03", "401.002.01", "400.003.01", "401.001", "401.003.01", "404.001.04"}
)
"""The gateway refused the bearer token; nothing behind it saw the request (Daraja 1.2)."""

BUSY_CODES = frozenset({"500.003.02", "500.003.03"})
"""Spike arrest and quota (Daraja 1.3): refused, to be sent again later."""

_REFUSED_CODES = frozenset(
    {
        "400.001",
        "400.002.02",
        "400.002.05",
        "400.003.02",
        "404.001.01",
        "404.002.01",
        "404.003.01",
        "405.001",
    }
)
_REFUSED_TEXTS: dict[tuple[Api, str], tuple[str, ...]] = {
    (Api.STK_PUSH, "500.001.1001"): (
        "merchant does not exist",
        "wrong credentials",
        "unable to lock subscriber",
    ),
    (Api.C2B, "500.003.1001"): ("already registered", "duplicate notification info"),
}
_ACCEPTED_CODES = {Api.PULL: frozenset({"0", "1000"})}
_ACCEPTED_BY_DEFAULT = frozenset({"0"})


def parse_json(raw: bytes) -> object | None:
    """Return the JSON in a body, or None when there is none; never raises.

    Fractions become Decimal so that no amount passes through a float.
    """

    def refuse(constant: str) -> object:
        raise ValueError(constant)

    try:
        parsed: object = json.loads(raw.strip(), parse_float=Decimal, parse_constant=refuse)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return parsed


def clean_text(text: str, length_max: int) -> str:
    """Return a text that PostgreSQL can hold: no NUL, no lone surrogates, bounded, stripped."""
    if text.isascii() and "\x00" not in text:
        return text.strip()[:length_max]
    kept = "".join(sign for sign in text if sign != "\x00" and not "\ud800" <= sign <= "\udfff")
    return kept.strip()[:length_max]


def classify(api: Api, http_status: int, raw: bytes, *secrets: str) -> Answer:
    """Return the answer that a response amounts to. The body decides before the status does."""
    parsed = parse_json(raw)
    if not isinstance(parsed, dict):
        excerpt = redact_text(raw[:400].decode("utf-8", "replace"), *secrets)
        return Answer(Outcome.UNKNOWN, "unreadable", excerpt, http_status=http_status)
    code, text = _code_and_text(parsed)
    text = redact_text(text, *secrets)
    outcome, temporary = _decide(api, http_status, code, text)
    return Answer(outcome, code or "no_code", text, temporary, http_status, parsed)


def _code_and_text(body: dict[str, object]) -> tuple[str, str]:
    if body.get("errorCode") is not None:
        code, text = body["errorCode"], body.get("errorMessage") or ""
    else:
        code = body.get("ResponseCode", body.get("ResponseStatus"))
        if code is None:
            code = body.get("Response Status")
        text = body.get("ResponseDescription") or body.get("ResponseMessage") or ""
    return clean_text("" if code is None else str(code), 40), str(text)


def _decide(api: Api, http_status: int, code: str, text: str) -> tuple[Outcome, bool]:
    lowered = text.lower()
    if code in TOKEN_CODES or code in BUSY_CODES:
        return Outcome.REFUSED, True
    if code in _REFUSED_CODES:
        return Outcome.REFUSED, False
    if code == "500.002.1001" and "duplicate" in lowered and "conversation" in lowered:
        return Outcome.DUPLICATE, False
    if api is Api.PULL and code == "1001" and "already registered" in lowered:
        return Outcome.DUPLICATE, False
    if any(part in lowered for part in _REFUSED_TEXTS.get((api, code), ())):
        return Outcome.REFUSED, "unable to lock" in lowered
    if "." in code or not code or http_status != 200:
        return Outcome.UNKNOWN, False
    if code in _ACCEPTED_CODES.get(api, _ACCEPTED_BY_DEFAULT):
        return Outcome.ACCEPTED, False
    return Outcome.REFUSED, False
