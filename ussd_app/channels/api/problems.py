"""Errors as problem documents (RFC 9457), each with a stable ``code``."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response, jsonify

from ledger.core.access import AccessCode, AccessRefusal
from ledger.core.money import decimal_text
from ledger.core.refusals import Refusal, RefusalCode

CONTENT_TYPE = "application/problem+json"


class ProblemError(Exception):
    """Ends a request with a problem document. ``fields`` join the document as they are."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        fields: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})

    @property
    def document(self) -> dict[str, Any]:
        """Return the members of the problem document."""
        return {
            "type": f"urn:cycle:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **self.fields,
        }

    def response(self) -> Response:
        """Return the answer to send."""
        answer = jsonify(self.document)
        answer.status_code = self.status
        answer.content_type = CONTENT_TYPE
        answer.headers.update(self.headers)
        return answer


_CONFLICTS = frozenset(
    {
        RefusalCode.KEY_REUSED,
        RefusalCode.ALREADY_REGISTERED,
        RefusalCode.PROMPT_OPEN,
        RefusalCode.STATE_CONFLICT,
        RefusalCode.ALREADY_REVERSED,
        RefusalCode.RECEIPT_USED,
        RefusalCode.PAYMENT_PENDING,
    }
)
_STATUS = {
    RefusalCode.PIN_WRONG: 403,
    RefusalCode.PIN_MUST_CHANGE: 403,
    RefusalCode.PIN_LOCKED: 429,
    RefusalCode.PAYMENT_UNKNOWN: 404,
    RefusalCode.TRANSACTION_UNKNOWN: 404,
    RefusalCode.NOT_REGISTERED: 404,
    RefusalCode.ITEM_UNKNOWN: 404,
}
_DETAILS = {
    RefusalCode.KEY_REUSED: "This Idempotency-Key was used for another request.",
    RefusalCode.AMOUNT_INVALID: "The amount is not one that can be moved.",
    RefusalCode.WHOLE_SHILLINGS_ONLY: "M-Pesa moves whole shillings only.",
    RefusalCode.AMOUNT_TOO_SMALL: "The amount is below the minimum.",
    RefusalCode.AMOUNT_TOO_LARGE: "The amount is above the maximum.",
    RefusalCode.NOT_REGISTERED: "There is no such customer.",
    RefusalCode.ALREADY_REGISTERED: "This number has a wallet. Log in instead.",
    RefusalCode.USER_CLOSED: "This wallet is closed.",
    RefusalCode.RECIPIENT_UNKNOWN: "The recipient has no wallet.",
    RefusalCode.RECIPIENT_IS_SENDER: "Sender and recipient are the same.",
    RefusalCode.PIN_WEAK: "This PIN is too easy to guess. Choose another one.",
    RefusalCode.PIN_WRONG: "The PIN is wrong.",
    RefusalCode.PIN_LOCKED: "Too many wrong PINs. Wait until the lock is over.",
    RefusalCode.PIN_MUST_CHANGE: "Change the start PIN on the phone first.",
    RefusalCode.ACCOUNT_FROZEN: "The wallet is frozen. Call support.",
    RefusalCode.ACCOUNT_CLOSED: "The wallet is closed.",
    RefusalCode.RECIPIENT_CANNOT_RECEIVE: "The recipient can't receive money now.",
    RefusalCode.WITHDRAWALS_PAUSED: "Withdrawals are paused. Try again later.",
    RefusalCode.WITHDRAWALS_OWN_ONLY: "Withdrawals go to the customer's own number only.",
    RefusalCode.WITHDRAWALS_CAPPED: "Withdrawals are capped for a day after a PIN reset.",
    RefusalCode.PROMPT_OPEN: "Another M-Pesa prompt is open on this phone. Answer it first.",
    RefusalCode.INSUFFICIENT_FUNDS: "The balance is too low.",
    RefusalCode.WALLET_FULL: "The wallet would hold more than it may.",
    RefusalCode.DAILY_LIMIT: "The daily limit would be passed.",
    RefusalCode.PAYMENT_UNKNOWN: "There is no such payment.",
    RefusalCode.ITEM_UNKNOWN: "There is no such item.",
    RefusalCode.STATE_CONFLICT: "It is closed already, or this can't be done to it.",
    RefusalCode.TRANSACTION_UNKNOWN: "There is no such transaction.",
}
_CENT_FIELDS = frozenset({"minimum", "maximum", "balance", "fee", "left"})
_PLAIN_FIELDS = {
    "field": "field",
    "tries_left": "triesLeft",
    "until": "until",
    "problem": "problem",
}


def of_refusal(refusal: Refusal) -> ProblemError:
    """Return the problem that tells a ledger's refusal; amounts become decimal strings."""
    fields: dict[str, Any] = {}
    for name, value in refusal.details.items():
        if name in _CENT_FIELDS and isinstance(value, int):
            fields[name] = decimal_text(value)
        elif name in _PLAIN_FIELDS:
            fields[_PLAIN_FIELDS[name]] = value
    status = 409 if refusal.code in _CONFLICTS else _STATUS.get(refusal.code, 422)
    return ProblemError(
        status,
        refusal.code,
        _DETAILS.get(refusal.code, "This can't be done now."),
        fields=fields,
        headers={"Retry-After": "3600"} if status == HTTPStatus.TOO_MANY_REQUESTS else None,
    )


_ACCESS = {
    AccessCode.CODE_WRONG: (401, "The code is wrong, used or too old. Ask for a new one."),
    AccessCode.CODE_BLOCKED: (429, "Too many wrong tries. Ask for a new code."),
    AccessCode.TOO_MANY_CODES: (429, "Too many codes were asked for. Wait an hour."),
    AccessCode.CREDENTIALS_WRONG: (401, "These credentials are not right."),
    AccessCode.TOKEN_INVALID: (401, "The token is not valid. Log in again."),
    AccessCode.TOKEN_REUSED: (401, "The token was used before. Log in again."),
    AccessCode.STAFF_LOCKED: (429, "Too many wrong tries. Wait a quarter of an hour."),
    AccessCode.TOTP_WRONG: (401, "These credentials are not right."),
    AccessCode.TOTP_NOT_ENROLLED: (403, "Sign in at /admin once to enrol a second factor."),
}
_RETRY_AFTER = {
    AccessCode.CODE_BLOCKED: "60",
    AccessCode.TOO_MANY_CODES: "3600",
    AccessCode.STAFF_LOCKED: "900",
}


def of_access_refusal(refusal: AccessRefusal) -> ProblemError:
    """Return the problem that tells why somebody was not let in."""
    status, detail = _ACCESS[refusal.code]
    headers = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.code in _RETRY_AFTER:
        headers["Retry-After"] = _RETRY_AFTER[refusal.code]
    return ProblemError(status, refusal.code, detail, headers=headers)


def unauthenticated() -> ProblemError:
    """Return the problem of a missing, stale or foreign access token."""
    return of_access_refusal(AccessRefusal(AccessCode.TOKEN_INVALID))
