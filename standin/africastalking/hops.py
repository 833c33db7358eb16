"""The wire of a USSD session, without I/O: what a hop carries and how its answer is read."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from standin.africastalking.networks import Network
from standin.sender import Delivery

Shape = Literal["tokens", "empty", "dialled", "service_code"]
"""How the digits behind the service code arrive (sources disagree, so all can be played).

``tokens``: ``text`` is ``2*500``; ``empty``: they are lost; ``dialled``: ``text`` is all that was
dialled; ``service_code``: they stay in ``serviceCode``.
"""
SHAPES: tuple[Shape, ...] = get_args(Shape)

TECHNICAL_PROBLEM = "Sorry, we are having technical problems. Please try again later."
NO_CONNECTION = "Connection problem or invalid MMI code."
TIMED_OUT = "The session has timed out. Please dial again."

_DIALLED = re.compile(r"\*[0-9]+(?:\*[^#]*)?#")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the product's reply means to the network; ``error`` says why it is no screen."""

    text: str
    more: bool
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """One screen shown: how long the product took, and its size with the prefix in bytes."""

    milliseconds: int
    bytes: int


def first_hop(code: str, dialled: str, shape: Shape) -> tuple[str, str] | None:
    """Return (serviceCode, text) of the first notification, or None for somebody else's code."""
    if not _DIALLED.fullmatch(dialled):
        return None
    stem = code.removesuffix("#")
    if dialled == code:
        tokens = ""
    elif dialled.startswith(f"{stem}*"):
        tokens = dialled[len(stem) + 1 : -1]
    else:
        return None
    if shape == "dialled":
        return code, dialled
    if shape == "service_code":
        return dialled, ""
    return code, tokens if shape == "tokens" else ""


def next_text(text: str, reply: str) -> str:
    """Return the transcript with one more reply.

    A handset's ``@`` arrives as an inverted exclamation mark: both are GSM-7 code 0x40's
    neighbours in the gateways' tables, and this has been seen in production.
    """
    typed = reply.replace("@", "¡")
    return f"{text}*{typed}" if text else typed


def read_answer(delivery: Delivery, network: Network) -> Answer:
    """Return the screen in a reply, held to the protocol: 200, text/plain, CON or END."""
    if delivery.error is not None:
        return Answer(TECHNICAL_PROBLEM, more=False, error=f"no response: {delivery.error}")
    if delivery.status != 200:
        return Answer(
            TECHNICAL_PROBLEM, more=False, error=f"unexpected response code: {delivery.status}"
        )
    media_type = delivery.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "text/plain":
        return Answer(TECHNICAL_PROBLEM, more=False, error="unexpected content type")
    prefix, body = delivery.answer[:4], delivery.answer[4:]
    if prefix not in ("CON ", "END "):
        return Answer(TECHNICAL_PROBLEM, more=False, error="response without CON or END")
    return Answer(network.show(body), more=prefix == "CON ")
