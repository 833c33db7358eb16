"""The customer's statement: inside JSON, or the file itself for who accepts that."""

import base64
import tempfile
from datetime import UTC, datetime

from flask import Blueprint, Response, request

from jobs.statements import MEDIA_TYPES, make_wallet_statement
from ledger.core.refusals import Refusal
from ledger.core.rules import nairobi_day
from ledger.core.statements import Period
from ussd_app.channels.api.models import Statement, StatementQuery
from ussd_app.channels.api.operations import Incoming, Operation, declare
from ussd_app.channels.api.problems import of_refusal

_IN_MEMORY_BYTES = 1 << 20


def attach(blueprint: Blueprint) -> None:
    """Declare the operations of this module."""
    declare(blueprint, _OPERATION)


def _statement(incoming: Incoming) -> Statement | Response:
    query: StatementQuery = incoming.query
    file_format, whole = _wanted(query.format)
    period = Period.between(query.start_date, query.end_date, nairobi_day(datetime.now(UTC)))
    if isinstance(period, Refusal):
        raise of_refusal(period)
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as out:
        made = make_wallet_statement(
            incoming.services.database,
            incoming.context,
            incoming.user_id,
            period,
            file_format=file_format,
            public_url=incoming.services.settings.public_url,
            out=out,
        )
        if isinstance(made, Refusal):
            raise of_refusal(made)
        out.seek(0)
        content = out.read()
    if whole:
        answer = Response(content, content_type=made.media_type)
        answer.headers["Content-Disposition"] = f'attachment; filename="{made.filename}"'
        answer.headers["Cache-Control"] = "no-store"
        return answer
    return Statement.model_construct(
        format=file_format, data=base64.b64encode(content).decode(), filename=made.filename
    )


def _wanted(asked: str) -> tuple[str, bool]:
    """Return the format, and whether the file itself is wanted: the Accept header decides."""
    best = request.accept_mimetypes.best_match(["application/json", *MEDIA_TYPES.values()])
    for file_format, media_type in MEDIA_TYPES.items():
        if best == media_type:
            return file_format, True
    return asked, False


_OPERATION = Operation(
    "statement",
    "GET",
    "/wallet/statement",
    "A statement of Nairobi days; Accept: application/pdf or text/csv gives the file itself.",
    _statement,
    Statement,
    query=StatementQuery,
    problems=(422,),
    files=tuple(MEDIA_TYPES.values()),
)
