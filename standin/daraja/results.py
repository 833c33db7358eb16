"""What B2C, status, balance and reversal share: accepted now, the result posted later
(Daraja 1.8 to 1.11).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from standin.books import Outcome
from standin.daraja import identifiers
from standin.daraja.courier import Message, Shape
from standin.daraja.service import Call, Daraja
from standin.daraja.urls import check_url
from standin.daraja.wire import RawNumber, Reply, dumps
from standin.faults import Fault
from standin.money import to_shillings

REMARKS_MAX = 100
_EARLY_SECONDS = 5.0
_INTERNAL_URL = "https://internalsandbox.safaricom.co.ke/mpesa/{kind}results/v1/submit"

Parameters = list[tuple[str, object]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a request ended. ``parameters`` is called for each delivery with its shape."""

    outcome: Outcome
    transaction_id: str
    parameters: Callable[[Shape], Parameters] = lambda shape: []


@dataclass(frozen=True, slots=True)
class Request:
    """An accepted request: its ids, its URLs, and what decides it.

    ``decide`` is called once, when the request is processed, with the fault that its result
    will suffer; ``timeout_only`` means that M-Pesa never gets to process it.
    """

    kind: str
    conversation_id: str
    originator_id: str
    result_url: str
    timeout_url: str
    fields: dict[str, Any]
    msisdn: str
    amount: int
    decide: Callable[[Fault | None], Verdict]


def read_urls(call: Call) -> tuple[str, str]:
    """Check the URL fields and return those of the result and of the queue timeout."""
    return check_url(call, "ResultURL"), check_url(call, "QueueTimeOutURL")


def read_remarks(call: Call, occasion: str) -> str:
    """Check the texts of a request and return the remarks."""
    call.optional(occasion, REMARKS_MAX)
    return call.text("Remarks", 2, REMARKS_MAX)


def refuse_initiator(call: Call, initiator: str) -> Callable[[], Outcome | None]:
    """Check that initiator and credential are there; whether they are right shows later."""
    name, credential = call.text(initiator), call.text("SecurityCredential", 1, 1024)
    return lambda: call.daraja.credentials.refuse(name, credential)


def accept(call: Call, request: Request) -> Reply:
    """Schedule a request's processing and answer that it was accepted."""
    daraja = call.daraja
    place = f"{request.kind}.result"
    early = daraja.courier.early(place, request.msisdn, request.amount)
    message = Message(
        at=place,
        url=request.result_url,
        msisdn=request.msisdn,
        amount=request.amount,
        build=lambda shape: {},
        timeout_url=request.timeout_url,
    )
    delay = 0.0 if early else daraja.world.behaviour.now.result_seconds
    daraja.world.scheduler.after(delay, lambda: _process(daraja, request, message))
    if early is not None:
        message.delivered.wait(_EARLY_SECONDS if early.seconds is None else early.seconds)
    return Reply(
        200,
        {
            "ConversationID": request.conversation_id,
            "OriginatorConversationID": request.originator_id,
            "ResponseCode": "0",
            "ResponseDescription": "Accept the service request successfully.",
        },
    )


def _process(daraja: Daraja, request: Request, message: Message) -> None:
    fault = daraja.courier.pick(message.at, request.msisdn, request.amount)
    verdict = request.decide(fault)
    message.build = lambda shape: result_body(daraja, request, verdict, shape)
    message.timeout_body = _timeout_body(daraja, request, fault)
    daraja.courier.deliver(message, fault)


def result_body(daraja: Daraja, request: Request, verdict: Verdict, shape: Shape) -> dict[str, Any]:
    """Return the Result envelope."""
    behaviour = daraja.world.behaviour.now
    code: object = verdict.outcome.code
    if str(code).isdigit() and not shape.string_types and behaviour.code_form == "int":
        code = int(str(code))
    originator, conversation = request.originator_id, request.conversation_id
    if request.kind == "b2c" and behaviour.gateway_originator:
        originator = identifiers.gateway_request()
    if shape.unknown_ids:
        originator = identifiers.gateway_request()
        conversation = identifiers.conversation(daraja.world.clock.now())
    result: dict[str, Any] = {
        "ResultType": "0" if shape.string_types else 0,
        "ResultCode": code,
        "ResultDesc": verdict.outcome.text,
        "OriginatorConversationID": originator,
        "ConversationID": conversation,
        "TransactionID": verdict.transaction_id,
    }
    parameters = [] if shape.no_metadata else _entries(verdict.parameters(shape), shape)
    if len(parameters) == 1 and behaviour.parameters_form == "object":
        result["ResultParameters"] = {"ResultParameter": parameters[0]}
    elif parameters:
        result["ResultParameters"] = {"ResultParameter": parameters}
    result["ReferenceData"] = {"ReferenceItem": _reference(behaviour.reference_form, request)}
    return {"Result": result}


def money_value(daraja: Daraja, cents: int, shape: Shape) -> object:
    """Return an amount in the form that the behaviour or the fault asks for."""
    form = daraja.world.behaviour.now.amount_form
    if shape.string_types or form == "string":
        return to_shillings(cents)
    if form == "float" or cents % 100:
        return cents / 100
    return RawNumber(to_shillings(cents)) if form == "decimal" else cents // 100


def _entries(parameters: Parameters, shape: Shape) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = []
    for key, value in parameters:
        if value is None:
            entries.append({"Key": key})
        elif shape.string_types and isinstance(value, int | float):
            entries.append({"Key": key, "Value": str(value)})
        else:
            entries.append({"Key": key, "Value": value})
    return entries


def _reference(form: str, request: Request) -> object:
    item: dict[str, object] = {"Key": "QueueTimeoutURL"}
    if form == "without_value":
        return {"Key": "Occasion"}
    item["Value"] = _INTERNAL_URL.format(kind=request.kind)
    return [item, {"Key": "Occasion"}] if form == "list" else item


def _timeout_body(daraja: Daraja, request: Request, fault: Fault | None) -> str:
    form = daraja.world.behaviour.now.queue_timeout_body
    if fault is not None and fault.parameters.get("body") in ("echo", "envelope", "empty"):
        form = fault.parameters["body"]
    if form == "empty":
        return ""
    if form == "echo":
        return json.dumps(request.fields, default=str)
    return dumps(
        {
            "Result": {
                "ResultType": 1,
                "ResultCode": 1,
                "ResultDesc": "The service request timed out.",
                "OriginatorConversationID": request.originator_id,
                "ConversationID": request.conversation_id,
                "TransactionID": identifiers.dummy_transaction(daraja.world.clock.now()),
            }
        }
    )
