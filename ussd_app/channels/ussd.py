"""USSD over Africa's Talking: one POST a hop, answered ``CON ...`` or ``END ...`` always."""

from dataclasses import replace

import psycopg
import structlog
from flask import Blueprint, Response
from redis import RedisError

from ledger.core.msisdn import is_stored_form
from ussd_app import actions
from ussd_app.at_key import keyed, read_form
from ussd_app.flow import machine
from ussd_app.flow.machine import Reply, Step
from ussd_app.flow.model import Text
from ussd_app.flow.state import State
from ussd_app.screens import flow
from ussd_app.services import Services, services
from ussd_app.sessions import Claim, Sessions, Verdict

TEXT_LENGTH_MAX = 2_000
"""Far more than a session of 180 s can gather at 80 characters an answer."""

blueprint = Blueprint("ussd", __name__)
_log = structlog.get_logger(__name__)

_APOLOGY = Text(
    en="Sorry, Cycle is busy. If you confirmed a payment, wait for its SMS. Please dial again.",
    sw="Samahani, jaribu tena baadaye. Kama ulithibitisha malipo, subiri SMS. Piga tena.",
)
_BOTH = "Samahani, huduma haipatikani kwa sasa. Sorry, please dial again later."
_NOT_KENYAN = "Cycle works with Kenyan numbers only."
_UNREADABLE = "Sorry, that could not be read. Please dial again."
_SHORT_ENDS = {
    Verdict.EXPIRED: "The session ended. Please dial again. / Muda umeisha. Piga tena.",
    Verdict.CONFLICT: "The session ended. Please dial again. / Muda umeisha. Piga tena.",
    Verdict.TOO_MANY: "Too many tries. Please wait ten minutes. / Subiri dakika kumi.",
    Verdict.BUSY: _BOTH,
}


@blueprint.post("/at/<key>/ussd")
@keyed
def hop() -> Response:
    """Answer one hop (Africa's Talking facts 1.1)."""
    form = read_form("sessionId", "phoneNumber", "serviceCode", optional=("networkCode", "text"))
    if not is_stored_form(form["phoneNumber"]):
        _log.warning("ussd_refused", reason="not_a_kenyan_number")
        return _answer(f"END {_NOT_KENYAN}")
    if len(form["text"]) > TEXT_LENGTH_MAX or len(form["sessionId"]) > 100:
        _log.warning("ussd_refused", reason="oversized_field")
        return _answer(f"END {_UNREADABLE}")
    shared = services()
    try:
        return _hop(shared, form)
    except RedisError as error:
        _log.warning("ussd_without_redis", error=type(error).__name__)
        return _answer(f"END {_BOTH}")


def _hop(shared: Services, form: dict[str, str]) -> Response:
    sessions = _sessions(shared)
    text, extra = form["text"], _extra_digits(shared, form["serviceCode"])
    claim = sessions.claim(form["sessionId"], form["phoneNumber"], form["serviceCode"], text)
    if claim.verdict is Verdict.REPLAY:
        return _answer(claim.reply)
    if claim.verdict in _SHORT_ENDS:
        return _answer(f"END {_SHORT_ENDS[claim.verdict]}")
    state = State.from_json(claim.state) if claim.state else State()
    try:
        state, reply = _play(shared, claim, form, state, (*extra, *_dialled(shared, text)))
    except psycopg.Error as error:
        _log.warning("ussd_without_database", error=type(error).__name__)
        state, reply = _ended(state)
    except Exception as error:
        # Whatever went wrong, a phone gets a sentence; values may be personal, so only the type.
        _log.error("ussd_failed", error=type(error).__name__, screen=state.screen)
        state, reply = _ended(state)
    body = f"{'CON' if reply.is_open else 'END'} {reply.text}"
    sessions.commit(claim, body, state.to_json())
    _log.info("ussd_hop", screen=reply.screen, position=claim.position, language=state.language)
    return _answer(body, reply.screen)


def _play(
    shared: Services, claim: Claim, form: dict[str, str], state: State, tokens: tuple[str, ...]
) -> tuple[State, Reply]:
    journey = flow()
    step: Step
    if claim.verdict is Verdict.FIRST:
        step = machine.begin(journey, tokens)
    else:
        step = machine.answer(journey, state, claim.typed)
    while True:
        state, answer = step
        if isinstance(answer, Reply):
            return state, answer
        call = actions.Call(
            services=shared,
            msisdn=form["phoneNumber"],
            reference=f"{form['sessionId']}:{claim.position}",
            values=state.values,
            language=state.language,
            pin=answer.pin,
        )
        step = machine.resume(journey, state, actions.perform(answer.effect, call))


def _ended(state: State) -> tuple[State, Reply]:
    text = _APOLOGY.written(state.language)
    return replace(state, waiting=""), Reply(text, is_open=False, screen="apology")


def _sessions(shared: Services) -> Sessions:
    return Sessions(shared.redis, shared.settings.secret_key.get_secret_value())


def _dialled(shared: Services, text: str) -> tuple[str, ...]:
    """Return the inputs in a first ``text``: ``2*500``, or the whole dialled string."""
    code = shared.settings.ussd_code.rstrip("#")
    if text.startswith(code):
        text = text[len(code) :].strip("*")
    return tuple(text.rstrip("#").split("*")) if text.strip("*#") else ()


def _extra_digits(shared: Services, service_code: str) -> tuple[str, ...]:
    """Return inputs that an operator left inside the service code."""
    code = shared.settings.ussd_code.rstrip("#")
    rest = service_code.removeprefix(code).strip("*#") if service_code.startswith(code) else ""
    return tuple(rest.split("*")) if rest else ()


def _answer(body: str, screen: str = "") -> Response:
    response = Response(body, content_type="text/plain; charset=utf-8")
    if screen:
        # Comes back in the end-of-session event: drop-off by screen, without personal data.
        response.headers["at-ussd-hop-metadata"] = screen
    return response
