"""The public page that says whether a statement is genuine, and nothing that stands in it."""

import hashlib
import re
from dataclasses import dataclass
from typing import IO

from flask import Blueprint, Response, abort, jsonify, render_template, request

from jobs.statement.words import show_date
from ledger.core.plans import RECEIPT_ALPHABET, RECEIPT_LENGTH
from ledger.core.rules import nairobi_day
from ledger.core.statements import Verdict
from ledger.queries.statements import issue_moment, judge_file
from ussd_app.services import services

blueprint = Blueprint("verify", __name__)
FILE_BYTES_MAX = 40 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_REFERENCE = re.compile(f"[{RECEIPT_ALPHABET}]{{{RECEIPT_LENGTH}}}")
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"


@dataclass(frozen=True, slots=True)
class _Texts:
    title: str
    issued: str
    unknown: str
    choose: str
    check: str
    genuine: str
    altered: str
    nothing: str


_TEXTS = {
    "en": _Texts(
        title="Is this statement genuine?",
        issued="Cycle issued a statement with the reference {reference} on {day}.",
        unknown="Cycle has issued no statement with this reference.",
        choose="Choose the file that you were given",
        check="Check the file",
        genuine="Genuine. This is, byte for byte, the file that Cycle issued.",
        altered="Not genuine. This is not the file that Cycle issued under this reference.",
        nothing="Choose a file first.",
    ),
    "sw": _Texts(
        title="Je, taarifa hii ni halisi?",
        issued="Cycle ilitoa taarifa yenye kumbukumbu {reference} tarehe {day}.",
        unknown="Cycle haijatoa taarifa yenye kumbukumbu hii.",
        choose="Chagua faili uliyopewa",
        check="Hakiki faili",
        genuine="Ni halisi. Hii ndiyo faili ambayo Cycle ilitoa, bila mabadiliko yoyote.",
        altered="Si halisi. Hii si faili ambayo Cycle ilitoa kwa kumbukumbu hii.",
        nothing="Chagua faili kwanza.",
    ),
}


@blueprint.before_request
def _allow_files() -> None:
    request.max_content_length = FILE_BYTES_MAX


@blueprint.after_request
def _harden(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/verify/<reference>")
def page(reference: str) -> tuple[Response, int]:
    """Say whether a statement with this reference was issued, and take its file."""
    return _answer(reference.upper(), None)


@blueprint.post("/verify/<reference>")
def check(reference: str) -> tuple[Response, int]:
    """Compare a file, or its SHA-256 in ``digest``, with what was issued.

    The file is read once and not kept. Answers with HTML, or with
    ``{"reference", "verdict"}`` to whoever accepts JSON only.
    """
    digest = _given_digest()
    if digest is None:
        return _answer(reference.upper(), "nothing")
    verdict, found = judge_file(services().database, digest, reference.upper())
    genuine = verdict is Verdict.GENUINE and found == reference.upper()
    return _answer(reference.upper(), "genuine" if genuine else "altered")


def _given_digest() -> bytes | None:
    upload = request.files.get("file")
    if upload is not None and upload.filename:
        return _hash(upload.stream)
    typed = request.form.get("digest", "").strip()
    return bytes.fromhex(typed) if _DIGEST.fullmatch(typed) else None


def _hash(stream: IO[bytes]) -> bytes:
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.digest()


def _answer(reference: str, verdict: str | None) -> tuple[Response, int]:
    if not _REFERENCE.fullmatch(reference):
        abort(404)
    issued_at = issue_moment(services().database, reference)
    status = 404 if issued_at is None else 400 if verdict == "nothing" else 200
    if request.accept_mimetypes.best == "application/json":
        known = "unknown" if issued_at is None else verdict or "issued"
        return jsonify(reference=reference, verdict=known), status
    language = request.accept_languages.best_match(["en", "sw"]) or "en"
    texts = _TEXTS[language]
    issued = texts.unknown
    if issued_at is not None:
        day = show_date(nairobi_day(issued_at), language)
        issued = texts.issued.format(reference=reference, day=day)
    html = render_template(
        "verify.html",
        language=language,
        texts=texts,
        issued=issued,
        known=issued_at is not None,
        verdict=verdict,
        told=getattr(texts, verdict) if verdict else "",
    )
    return Response(html), status
