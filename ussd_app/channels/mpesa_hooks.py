"""What Daraja posts to us: stored redacted in one statement, answered, understood by a job.

Daraja signs nothing. Per-payment tokens and the paybill key are the locks; a body on a path
that fits no payment is kept and shown to people, and believed by nobody.
"""

import hmac
import sys
from typing import TypedDict

import psycopg
import structlog
from flask import Blueprint, Response, abort, jsonify, request

from jobs.clients.mpesa.bodies import PaybillNotice, read_paybill_notice
from jobs.clients.mpesa.outcomes import clean_text
from jobs.clients.mpesa.redaction import redact_bytes
from jobs.queue import Task, ring
from ledger.commands import inbox
from ledger.commands.paybill import refuse_paybill
from ledger.core.refusals import RefusalCode
from ussd_app.channels.api.limits import limiter
from ussd_app.services import services

BODY_BYTES_MAX = 64 * 1024
_HEADERS_KEPT = ("Content-Type", "User-Agent", "Businessshortcode", "X-Forwarded-For")
_TOKEN_LENGTH_MAX = 64
_PAYBILL = "paybill"
"""Stands for the token of paybill bodies, whose path holds a key instead."""
_REFUSALS = {
    RefusalCode.RECIPIENT_UNKNOWN: "C2B00012",
    RefusalCode.WALLET_FULL: "C2B00013",
}

blueprint = Blueprint("mpesa_hooks", __name__, url_prefix="/hooks")
limiter.exempt(blueprint)  # Safaricom is never told to slow down
_log = structlog.get_logger(__name__)


@blueprint.post("/stk/<token>")
def prompt_callback(token: str) -> tuple[Response, int]:
    """Take the callback of an STK push (Daraja 1.5)."""
    return _take("stk", token)


@blueprint.post("/b2c/<token>/result")
def payout_result(token: str) -> tuple[Response, int]:
    """Take the result of a payout or a reversal (Daraja 1.8, 1.11)."""
    return _take("b2c_result", token)


@blueprint.post("/b2c/<token>/timeout")
def payout_timeout(token: str) -> tuple[Response, int]:
    """Take the queue timeout of a payout or a reversal (Daraja 1.8)."""
    return _take("b2c_timeout", token)


@blueprint.post("/status/<token>/result")
def status_result(token: str) -> tuple[Response, int]:
    """Take an answer about a payment or about our float (Daraja 1.9, 1.10)."""
    return _take("status_result", token)


@blueprint.post("/status/<token>/timeout")
def status_timeout(token: str) -> tuple[Response, int]:
    """Take the queue timeout of a question (Daraja 1.9, 1.10)."""
    return _take("status_timeout", token)


@blueprint.post("/c2b/<key>/confirm")
def paybill_confirmed(key: str) -> tuple[Response, int]:
    """Take the confirmation of a paybill payment; the money is here already (Daraja 1.12)."""
    _check_key(key)
    return _take("c2b_confirm", _PAYBILL)


@blueprint.post("/c2b/<key>/validate")
def paybill_asked(key: str) -> tuple[Response, int]:
    """Say whether an account can take a payment: one look-up, no money moves (Daraja 1.12).

    What can't be looked up or kept now is refused: the payer keeps the money and can try again.
    """
    _check_key(key)
    body = _read_body()
    notice = read_paybill_notice(body)
    try:
        code = _judge_question(notice)
        inbox.store_answered(
            services().database,
            **_kept("c2b_validate", _PAYBILL, body),
            state="unreadable" if notice is None else "processed",
            verdict=code,
            mpesa_receipt=None if notice is None else notice.receipt,
        )
    except psycopg.Error as error:
        _log.error("paybill_not_validated", error=type(error).__name__)
        code = "C2B00016"
    return jsonify(ResultCode=code, ResultDesc="Accepted" if code == "0" else "Rejected"), 200


def _judge_question(notice: PaybillNotice | None) -> str:
    """Return Daraja's code for whether a payment may be made; raises psycopg.Error."""
    if notice is None or notice.amount is None or notice.amount <= 0:
        return "C2B00013"
    if notice.shortcode != services().settings.mpesa_shortcode:
        return "C2B00015"
    refusal = refuse_paybill(services().database, notice.account_number, notice.amount)
    return "0" if refusal is None else _REFUSALS.get(refusal.code, "C2B00016")


def _check_key(key: str) -> None:
    """Answer 404 to a paybill path without one of the configured keys."""
    keys = services().settings.mpesa_c2b_keys
    found = [hmac.compare_digest(key.encode(), known.get_secret_value().encode()) for known in keys]
    if not any(found):
        abort(404)


def _take(kind: str, token: str) -> tuple[Response, int]:
    if _store_body(kind, token, _read_body()):
        return jsonify(ResultCode=0, ResultDesc="Accepted"), 200
    # Should Daraja retry at all, it is after this.
    return jsonify(ResultCode=1, ResultDesc="Not stored"), 500


def _read_body() -> bytes:
    """Return the request's body, cut at 64 KiB."""
    # The app's own limit would answer 413; here the rest of a long body is simply not read.
    request.max_content_length = sys.maxsize
    return request.stream.read(BODY_BYTES_MAX)


def _store_body(kind: str, token: str, body: bytes) -> bool:
    """Keep a body and ring for the job; False when the database did not take it."""
    shared = services()
    try:
        inbox.store(shared.database, **_kept(kind, token, body))
    except psycopg.Error as error:
        _log.error("callback_not_stored", kind=kind, error=type(error).__name__)
        return False
    ring(shared.redis, Task.PROCESS_CALLBACKS)
    return True


class _Kept(TypedDict):
    """What the inbox keeps of a request."""

    kind: str
    token: str
    body: bytes
    headers: dict[str, str]
    remote_address: str | None


def _kept(kind: str, token: str, body: bytes) -> _Kept:
    return _Kept(
        kind=kind,
        token=clean_text(token, _TOKEN_LENGTH_MAX),
        body=redact_bytes(body)[:BODY_BYTES_MAX],
        headers={
            name: clean_text(request.headers[name], 200)
            for name in _HEADERS_KEPT
            if name in request.headers
        },
        remote_address=request.remote_addr,
    )
