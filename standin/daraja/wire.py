"""How Daraja speaks HTTP: error envelopes, pretty-printed JSON with leading blanks, and the
parts of a call that all APIs share.
"""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Response, request

from standin.daraja import identifiers

_RAW = re.compile(r'"\\u0000([-0-9.]+)\\u0000"')


class RawNumber(str):
    """A number written exactly like this in JSON, ``10.00`` included."""

    __slots__ = ()


def dumps(document: object, indent: int | None = None) -> str:
    """Return JSON text in which RawNumber values keep their digits."""
    return _RAW.sub(r"\1", json.dumps(_mark(document), indent=indent))


def _mark(value: object) -> object:
    if isinstance(value, RawNumber):
        return f"\x00{value}\x00"
    if isinstance(value, dict):
        return {k: _mark(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_mark(v) for v in value]
    return value


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call is answered with."""

    status: int
    body: Any
    content_type: str = "application/json;charset=UTF-8"

    def response(self) -> Response:
        """Render as Daraja does: text as it is, documents pretty-printed with blanks around."""
        text = self.body if isinstance(self.body, str) else f"    {dumps(self.body, indent=4)}\n\n"
        return Response(text, status=self.status, content_type=self.content_type)


class RefusedError(Exception):
    """A call that Daraja refuses, with HTTP status, errorCode and errorMessage."""

    def __init__(self, status: int, code: str, text: str, request_id: str | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.text = status, code, text
        self.request_id = request_id

    def reply(self) -> Reply:
        """Return the error envelope."""
        return Reply(
            self.status,
            {
                "requestId": self.request_id or identifiers.gateway_request(),
                "errorCode": self.code,
                "errorMessage": self.text,
            },
        )


@dataclass(frozen=True, slots=True)
class Api:
    """One Daraja API: its place in fault rules, and the codes it uses for common refusals."""

    place: str
    bearer_status: int
    bearer_code: str
    bad_request: str
    error_code: str
    error_text: str
    bearer_text: str = "Invalid Access Token"

    def invalid(self, field: str) -> RefusedError:
        """Return the refusal of a field."""
        return RefusedError(400, self.bad_request, f"Bad Request - Invalid {field}")

    def token_refused(self, token: str) -> RefusedError:
        """Return the refusal of a token; B2C and balance spell the token out."""
        return RefusedError(
            self.bearer_status, self.bearer_code, self.bearer_text.replace("{token}", token)
        )

    def error500(self) -> RefusedError:
        """Return this API's internal error."""
        return RefusedError(500, self.error_code, self.error_text)


def stk_like(place: str, error_text: str = "Internal Server Error") -> Api:
    """Return an API of the STK family: push, query, reversal."""
    return Api(place, 404, "404.001.03", "400.002.02", "500.001.1001", error_text)


def b2c_like(place: str) -> Api:
    """Return an API of the B2C family: payout, account balance."""
    return Api(
        place,
        401,
        "401.002.01",
        "400.002.02",
        "500.002.1001",
        "System internal error.",
        bearer_text="Error Occurred - Invalid Access Token - {token}",
    )


def c2b_like(place: str) -> Api:
    """Return an API of the C2B family: register, simulate, transaction status."""
    return Api(
        place,
        400,
        "400.003.01",
        "400.003.02",
        "500.003.1001",
        "Internal Server Error",
    )


def pull_like(place: str) -> Api:
    """Return an API of the Pull family."""
    return Api(place, 401, "401.001", "400.001", "500", "Internal Server Error")


SPIKE = RefusedError(500, "500.003.02", "Error Occurred: Spike Arrest Violation")
QUOTA = RefusedError(500, "500.003.03", "Quota Violation")
HTML_503 = Reply(
    503,
    '<html>\r\n<head>\r\n<META NAME="ROBOTS" CONTENT="NOINDEX, NOFOLLOW">\r\n</head>\r\n'
    '<body>\r\n<iframe src="/_Incapsula_Resource?CWUDNSAI=9" frameborder=0>Request '
    "unsuccessful. Incapsula incident ID: 1065000250088000000</iframe>\r\n</body>\r\n</html>",
    "text/html",
)
SOAP_409 = Reply(
    409,
    {
        "Envelope": {
            "encodingStyle": "http://schemas.xmlsoap.org/soap/encoding/",
            "Body": {
                "Fault": {
                    "faultcode": "soapenv:Server",
                    "faultstring": "Error occurred while performing the operation",
                    "detail": {"source": {"errorcode": "409", "reason": "AddURLVault"}},
                }
            },
        }
    },
)


def read_fields() -> dict[str, Any] | None:
    """Return the request's JSON object with exact numbers, or None when it is not one."""
    if not (request.content_type or "").lower().startswith("application/json"):
        return None
    try:
        document = json.loads(request.get_data(), parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
