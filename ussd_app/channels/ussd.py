"""USSD over Africa's Talking: one POST a hop, answered by ``CON ...`` or ``END ...`` always."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import structlog
from psycopg_pool import PoolTimeout
from redis import RedisError
from werkzeug.wrappers import Response

from ledger.core.msisdn import is_stored_form
from ledger.core.refusals import Refusal
from ussd_app import actions, funnel
from ussd_app.at_key import AT_BODY_BYTES, check_caller, read_form
from ussd_app.flow import machine
from ussd_app.flow.machine import Ask, Broken, Done, Reply, Step
from ussd_app.flow.model import Text
from ussd_app.flow.state import State
from ussd_app.front import Callback, Route
from ussd_app.funnel import Figure, Place
from ussd_app.screens import flow
from ussd_app.services import Services
from ussd_app.sessions import LEAVE, Claim, Verdict

TEXT_LENGTH_MAX = 2_000
"""Far more than a session of 180 s can gather at 80 characters an answer."""
SESSION_ID_LENGTH_MAX = 100
EFFECTS_SECONDS = 2.4
"""What the ledger may take of a hop's 4 s; the rest is for Redis and the way."""
_EFFECT_THREADS = 16
"""Fewer than the pool's connections: effects that hang must not keep callbacks from theirs."""

_log = structlog.get_logger(__name__)
_performers = ThreadPoolExecutor(_EFFECT_THREADS, thread_name_prefix="ussd-effect")

_APOLOGY = Text(
    en="Sorry, Cycle is busy. If you confirmed a payment, wait for its SMS. Please dial again.",
    sw="Samahani, jaribu tena baadaye. Kama ulithibitisha malipo, subiri SMS. Piga tena.",
)
_APOLOGY_SCREEN = "apology"
_BOTH = "Samahani, huduma haipatikani kwa sasa. Sorry, please dial again later."
_NOT_KENYAN = "Cycle works with Kenyan numbers only."
_UNREADABLE = "Sorry, that could not be read. Please dial again."
_SHORT_ENDS = {
    Verdict.EXPIRED: "The session ended. Please dial again. / Muda umeisha. Piga tena.",
    Verdict.CONFLICT: "The session ended. Please dial again. / Muda umeisha. Piga tena.",
    Verdict.TOO_MANY: "Too many tries. Please wait ten minutes."
    " / Umejaribu mara nyingi. Subiri dakika kumi.",
    Verdict.BUSY: _BOTH,
}


class _TooLateError(Exception):
    """The hop's time is over; what has not begun is not begun any more."""


def routes(services: Services) -> list[Route]:
    """Return the one route of hops."""
    return [Route("/at/<key>/ussd", _Channel(services).hop)]


@dataclass(frozen=True, slots=True)
class _Hop:
    """One hop on its way through the machine."""

    services: Services
    form: dict[str, str]
    claim: Claim
    deadline: float

    def keep_going(self) -> None:
        """Raise when an answer would come too late to be believed."""
        if time.monotonic() > self.deadline:
            raise _TooLateError


class _Channel:
    """Hops on the services of one web process."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def hop(self, request: Callback, key: str) -> Response:
        """Answer one hop (Africa's Talking facts 1.1)."""
        deadline = time.monotonic() + EFFECTS_SECONDS
        check_caller(self._services.settings, request, key)
        form = read_form(
            await request.read_form(AT_BODY_BYTES),
            "sessionId",
            "phoneNumber",
            "serviceCode",
            optional=("networkCode", "text"),
        )
        refused = _refused(self._services, form)
        if refused is not None:
            reason, sentence = refused
            request.noted["refused"] = reason
            return _answer(f"END {sentence}")
        try:
            claim = await self._services.sessions.claim(
                form["sessionId"], form["phoneNumber"], form["serviceCode"], form["text"]
            )
            request.noted["verdict"] = claim.verdict.value
            if claim.verdict is Verdict.REPLAY:
                return _answer(claim.reply)
            if claim.verdict in _SHORT_ENDS:
                return _answer(f"END {_SHORT_ENDS[claim.verdict]}")
            return await self._next(_Hop(self._services, form, claim, deadline), request.noted)
        except RedisError as error:
            _log.warning("ussd_without_redis", error=type(error).__name__)
        except Exception as error:
            _log.error("ussd_failed", error=type(error).__name__)
        return _answer(f"END {_BOTH}")

    async def _next(self, hop: _Hop, noted: dict[str, Any]) -> Response:
        before = State.from_json(hop.claim.state) if hop.claim.state else State()
        state, reply = await _played(hop, before)
        apologised = reply.screen == _APOLOGY_SCREEN
        body = f"{'CON' if reply.is_open else 'END'} {reply.text}"
        kept = state.to_json()
        noted |= {
            "screen": reply.screen,
            "position": hop.claim.position,
            "language": state.language,
        }
        try:
            await self._services.sessions.commit(
                hop.claim,
                body,
                kept,
                broken=LEAVE if apologised else _broken_off(hop, kept, reply),
                funnel=_figures(hop, before, state, reply),
            )
        except RedisError as error:
            _log.warning("ussd_without_redis", error=type(error).__name__)
            if reply.is_open:
                return _answer(f"END {_BOTH}")
        return _answer(body, funnel.label_of(reply.screen, state.language))


def _refused(services: Services, form: dict[str, str]) -> tuple[str, str] | None:
    """Return why a form is no hop of ours, for the log and for the phone."""
    if not is_stored_form(form["phoneNumber"]):
        return "not_a_kenyan_number", _NOT_KENYAN
    if len(form["text"]) > TEXT_LENGTH_MAX or len(form["sessionId"]) > SESSION_ID_LENGTH_MAX:
        return "oversized_field", _UNREADABLE
    if _extra_digits(services, form["serviceCode"]) is None:
        return "another_service_code", _UNREADABLE
    return None


async def _played(hop: _Hop, before: State) -> tuple[State, Reply]:
    """Play a hop; whatever goes wrong, a phone gets a sentence."""
    try:
        return await _play(hop, before)
    except (psycopg.Error, PoolTimeout, TimeoutError, _TooLateError) as error:
        _log.warning("ussd_without_database", error=type(error).__name__)
    except Exception as error:
        # Values may be personal, so only the type.
        _log.error("ussd_failed", error=type(error).__name__, screen=before.screen)
    sentence = _APOLOGY.written(before.language)
    return replace(before, waiting=""), Reply(sentence, is_open=False, screen=_APOLOGY_SCREEN)


async def _play(hop: _Hop, before: State) -> tuple[State, Reply]:
    journey, form, claim = flow(), hop.form, hop.claim
    step: Step
    if claim.verdict is Verdict.FIRST:
        extra = _extra_digits(hop.services, form["serviceCode"]) or ()
        tokens = (*extra, *_dialled(hop.services, form["text"]))
        step = machine.begin(journey, tokens, _broken(claim))
    else:
        step = machine.answer(journey, before, claim.typed)
    state, todo = step
    while isinstance(todo, Ask):
        state, todo = machine.resume(journey, state, await _perform(hop, state, todo))
    return state, todo


async def _perform(hop: _Hop, state: State, ask: Ask) -> Done | Refusal:
    """Perform an effect within the hop's time.

    A server that stopped answers nothing, not even an error, so the waiting is done elsewhere.
    An effect that outlives its hop commits as a whole or not at all, and is shown on redial.
    """
    hop.keep_going()
    call = actions.Call(
        services=hop.services,
        msisdn=hop.form["phoneNumber"],
        reference=f"{hop.form['sessionId']}:{hop.claim.position}",
        values=state.values,
        language=state.language,
        pin=ask.pin,
        keep_going=hop.keep_going,
    )
    running = asyncio.get_running_loop().run_in_executor(
        _performers, actions.perform, ask.effect, call
    )
    async with asyncio.timeout(hop.deadline - time.monotonic()):
        return await running


def _broken(claim: Claim) -> Broken | None:
    if not claim.broken:
        return None
    kept = json.loads(claim.broken)
    return Broken(kept["session"], kept["position"], State.from_json(kept["state"]))


def _broken_off(hop: _Hop, kept: str, reply: Reply) -> str:
    """Return what a redial is handed if the call breaks off here: nothing after an END."""
    if not reply.is_open:
        return ""
    return json.dumps(
        {
            "session": hop.form["sessionId"],
            "position": hop.claim.position + 1,
            "state": kept,
        }
    )


def _figures(hop: _Hop, before: State, state: State, reply: Reply) -> list[tuple[str, int]]:
    network = hop.form["networkCode"]
    counted = []
    if hop.claim.verdict is not Verdict.FIRST:
        left = Place.of_hop(before.screen, network, before.language)
        counted += [
            (left.counts(Figure.ANSWERS), 1),
            (left.counts(Figure.SECONDS), hop.claim.waited),
        ]
        if state.wrong > before.wrong:
            counted.append((left.counts(Figure.INVALID), 1))
    shown = Place.of_hop(reply.screen, network, state.language)
    if hop.claim.verdict is Verdict.FIRST or reply.screen != before.screen:
        counted.append((shown.counts(Figure.ENTRIES), 1))
    if not reply.is_open:
        counted.append((shown.counts(Figure.ENDS), 1))
    return counted


def _dialled(shared: Services, text: str) -> tuple[str, ...]:
    """Return the inputs in a first ``text``: ``2*500``, or the whole dialled string."""
    code = shared.settings.ussd_code.rstrip("#")
    if text.startswith(code):
        text = text[len(code) :].strip("*")
    return tuple(text.rstrip("#").split("*")) if text.strip("*#") else ()


def _extra_digits(shared: Services, service_code: str) -> tuple[str, ...] | None:
    """Return inputs that an operator left inside the service code; None for another code."""
    code = shared.settings.ussd_code.rstrip("#")
    dialled = service_code.rstrip("#")
    if dialled != code and not dialled.startswith(f"{code}*"):
        return None
    rest = dialled.removeprefix(code).strip("*")
    return tuple(rest.split("*")) if rest else ()


def _answer(body: str, label: str = "") -> Response:
    response = Response(body, content_type="text/plain; charset=utf-8")
    if label:
        response.headers["at-ussd-hop-metadata"] = label
    return response
