"""What Daraja posts to us: stored redacted, answered, understood by a job.

What comes while a statement runs is stored by the next one, together: a burst costs few commits.
Daraja signs nothing. Per-payment tokens and the paybill key are the locks; a body on a path
that fits no payment is kept and shown to people, and believed by nobody.
"""

import asyncio
import hmac
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import structlog
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from jobs.batches import Batches
from jobs.clients.mpesa.bodies import PaybillNotice, read_paybill_notice
from jobs.clients.mpesa.outcomes import clean_text
from jobs.clients.mpesa.redaction import redact_bytes
from jobs.queue import Task, ring
from ledger.commands import inbox
from ledger.commands.paybill import refuse_paybill
from ledger.core.refusals import RefusalCode
from ledger.db.callbacks import Received
from ussd_app.front import Callback, Route
from ussd_app.services import Services

BODY_BYTES_MAX = 64 * 1024
_HEADERS_KEPT = ("Content-Type", "User-Agent", "Businessshortcode", "X-Forwarded-For")
_TOKEN_LENGTH_MAX = 64
_PAYBILL = "paybill"
"""Stands for the token of paybill bodies, whose path holds a key instead."""
_REFUSALS = {
    RefusalCode.RECIPIENT_UNKNOWN: "C2B00012",
    RefusalCode.WALLET_FULL: "C2B00013",
}

_ACCEPTED = b'{"ResultCode":0,"ResultDesc":"Accepted"}\n'
_NOT_STORED = b'{"ResultCode":1,"ResultDesc":"Not stored"}\n'

_log = structlog.get_logger(__name__)


def routes(services: Services) -> list[Route]:
    """Return what Daraja posts: by payment, and of the paybill."""
    hooks = _Hooks(services)
    by_payment = {
        "/hooks/stk/<token>": "stk",  # Daraja 1.5
        "/hooks/b2c/<token>/result": "b2c_result",  # of a payout or a reversal: 1.8, 1.11
        "/hooks/b2c/<token>/timeout": "b2c_timeout",
        "/hooks/status/<token>/result": "status_result",  # of a payment or our float: 1.9, 1.10
        "/hooks/status/<token>/timeout": "status_timeout",
    }
    return [
        *(Route(rule, partial(hooks.take, kind)) for rule, kind in by_payment.items()),
        Route("/hooks/c2b/<key>/confirm", hooks.paybill_confirmed),
        Route("/hooks/c2b/<key>/validate", hooks.paybill_asked),
    ]


class _Hooks:
    """Bodies of any length are answered; what is over 64 KiB is simply not read."""

    def __init__(self, services: Services) -> None:
        self._services = services
        threads = services.settings.web_threads
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="mpesa-hook")
        self._inbox: Batches[Received, bool] = Batches(self._store)
        self._bell: Batches[None, bool] = Batches(self._ring)
        self._ringing: set[asyncio.Task[bool]] = set()  # the event loop itself keeps none

    async def take(self, kind: str, request: Callback, token: str) -> Response:
        """Store what was posted under a payment's token."""
        if await self._inbox.ask(
            _received(kind, token, await request.read(BODY_BYTES_MAX), request)
        ):
            return _json(_ACCEPTED)
        # Should Daraja retry at all, it is after this.
        return _json(_NOT_STORED, 500)

    async def paybill_confirmed(self, request: Callback, key: str) -> Response:
        """Take the confirmation of a paybill payment; the money is here already (Daraja 1.12)."""
        self._check_key(key)
        return await self.take("c2b_confirm", request, _PAYBILL)

    async def paybill_asked(self, request: Callback, key: str) -> Response:
        """Say whether an account can take a payment: one look-up, no money moves (Daraja 1.12).

        What can't be looked up or kept now is refused: the payer keeps the money and can try again.
        """
        self._check_key(key)
        body = await request.read(BODY_BYTES_MAX)
        received = _received("c2b_validate", _PAYBILL, body, request)
        code = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._validate, read_paybill_notice(body), received
        )
        answer = {"ResultCode": code, "ResultDesc": "Accepted" if code == "0" else "Rejected"}
        return _json(json.dumps(answer).encode())

    def _validate(self, notice: PaybillNotice | None, received: Received) -> str:
        try:
            code = self._judge_question(notice)
            inbox.store_answered(
                self._services.database,
                received,
                state="unreadable" if notice is None else "processed",
                verdict=code,
                mpesa_receipt=None if notice is None else notice.receipt,
            )
        except psycopg.Error as error:
            _log.error("paybill_not_validated", error=type(error).__name__)
            return "C2B00016"
        return code

    def _judge_question(self, notice: PaybillNotice | None) -> str:
        """Return Daraja's code for whether a payment may be made; raises psycopg.Error."""
        if notice is None or notice.amount is None or notice.amount <= 0:
            return "C2B00013"
        if notice.shortcode != self._services.settings.mpesa_shortcode:
            return "C2B00015"
        refusal = refuse_paybill(self._services.database, notice.account_number, notice.amount)
        return "0" if refusal is None else _REFUSALS.get(refusal.code, "C2B00016")

    def _check_key(self, key: str) -> None:
        """Answer 404 to a paybill path without one of the configured keys."""
        keys = self._services.settings.mpesa_c2b_keys
        given = key.encode("utf-8", "surrogatepass")
        found = [hmac.compare_digest(given, known.get_secret_value().encode()) for known in keys]
        if not any(found):
            raise NotFound

    async def _store(self, received: list[Received]) -> list[bool]:
        """Keep bodies and ring for the job; False when the database did not take them."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(
                self._threads, inbox.store, self._services.database, received
            )
        except psycopg.Error as error:
            kinds = sorted({one.kind for one in received})
            _log.error("callback_not_stored", kinds=kinds, error=type(error).__name__)
            return [False] * len(received)
        # Nobody waits for the bell: a Redis that hangs must not keep Daraja without an answer.
        ringing = asyncio.create_task(self._bell.ask(None))
        self._ringing.add(ringing)
        ringing.add_done_callback(self._ringing.discard)
        return [True] * len(received)

    async def _ring(self, asked: list[None]) -> list[bool]:
        """Ring for the job; whoever asks meanwhile is rung for by the next."""
        rung = await asyncio.get_running_loop().run_in_executor(
            self._threads, ring, self._services.redis, Task.PROCESS_CALLBACKS
        )
        return [rung] * len(asked)


def _received(kind: str, token: str, body: bytes, request: Callback) -> Received:
    return Received(
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


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, content_type="application/json")
