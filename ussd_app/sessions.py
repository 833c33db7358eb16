"""USSD sessions in Redis: each hop is claimed once, answered once and replayed for ever after.

Africa's Talking sends the whole transcript with each hop and no hop id (facts 1.1). Neither the
transcript nor a PIN is stored: only a keyed digest and the length of what came so far. A new
``text`` is the next hop when the stored digest is that of one of its prefixes.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from redis import Redis

from jobs.clients.redis import Pipeline
from ussd_app.funnel import FUNNEL_KEPT_SECONDS, day_key

SESSION_SECONDS = 240
REPLAY_SECONDS = 900
CLAIM_SECONDS = 6
ENDED_SECONDS = 86_400
WAIT_SECONDS = 3.5
_POLL_SECONDS = 0.03
_HOPS_MAX = 100

BROKEN_SECONDS = 600
"""How long a session that broke off is offered again."""
LEAVE = "-"

SESSIONS_PER_WINDOW = 10
WINDOW_SECONDS = 600

# A hop's place is the length of its text and the text's digest, "length:digest".
# KEYS: session, sessions of this phone, what its last one broke off. ARGV: now, digest of caller
# and code, place, the places that the hop before may have (each between spaces), and settings;
# last what tells this claim from a twin's: one whose answer was lost is asked for again.
_CLAIM = """
local now, caller, place = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local record = redis.call('HMGET', KEYS[1], 'caller', 'reply:' .. place,
    'busy', 'busy_until', 'place', 'until', 'state', 'position', 'claim')
if not record[1] then
    local opened = redis.call('INCR', KEYS[2])
    if opened == 1 then redis.call('EXPIRE', KEYS[2], ARGV[7]) end
    if opened > tonumber(ARGV[8]) then return {'too_many'} end
    redis.call('HSET', KEYS[1], 'caller', caller, 'busy', place, 'busy_until', now + ARGV[6],
        'claim', ARGV[9])
    redis.call('EXPIRE', KEYS[1], ARGV[5])
    return {'first', redis.call('GET', KEYS[3]) or ''}
end
if record[1] ~= caller then return {'conflict'} end
if record[2] then return {'replay', record[2]} end
if record[3] and record[3] ~= '' and tonumber(record[4]) > now and record[9] ~= ARGV[9] then
    return {record[3] == place and 'wait' or 'busy'}
end
if not record[5] then
    redis.call('HSET', KEYS[1], 'busy', place, 'busy_until', now + ARGV[6], 'claim', ARGV[9])
    return {'first', redis.call('GET', KEYS[3]) or ''}
end
if tonumber(record[6]) < now then return {'expired'} end
if not string.find(ARGV[4], ' ' .. record[5] .. ' ', 1, true) then return {'conflict'} end
redis.call('HSET', KEYS[1], 'busy', place, 'busy_until', now + ARGV[6], 'claim', ARGV[9])
return {'next', record[7], record[8], record[5], record[6]}
"""

# KEYS: session, what this phone's last session broke off, the day's funnel. ARGV: place, reply,
# state, position, until, seconds kept; what to keep for a redial ('' for nothing, '-' to leave
# what is there), its seconds; the funnel's seconds, then its fields, each with what is added.
_COMMIT = """
if redis.call('HGET', KEYS[1], 'busy') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'busy', '', 'place', ARGV[1], 'reply:' .. ARGV[1], ARGV[2],
    'state', ARGV[3], 'position', ARGV[4], 'until', ARGV[5])
redis.call('EXPIRE', KEYS[1], ARGV[6])
if ARGV[7] == '' then
    redis.call('DEL', KEYS[2])
elseif ARGV[7] ~= '-' then
    redis.call('SET', KEYS[2], ARGV[7], 'EX', ARGV[8])
end
local is_new = false
for i = 10, #ARGV, 2 do
    is_new = redis.call('HINCRBY', KEYS[3], ARGV[i], ARGV[i + 1]) == tonumber(ARGV[i + 1]) or is_new
end
if is_new then redis.call('EXPIRE', KEYS[3], ARGV[9]) end
return 1
"""


class Verdict(StrEnum):
    """What a hop is, seen from what is stored."""

    FIRST = "first"
    NEXT = "next"
    REPLAY = "replay"
    EXPIRED = "expired"
    CONFLICT = "conflict"
    TOO_MANY = "too_many"
    BUSY = "busy"
    """Another hop of the same call is running and did not end within the deadline."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer one hop, or the reason against it.

    ``reply`` is the stored answer of a replay; ``state`` and ``typed`` belong to a next hop.
    ``position`` counts the hops answered before this one, ``waited`` the seconds since. ``broken``
    is what ``commit`` kept of this phone's last session, when it broke off.
    """

    verdict: Verdict
    key: str
    place: str
    phone: str = ""
    reply: str = ""
    state: str = ""
    typed: str = ""
    position: int = 0
    waited: int = 0
    broken: str = ""


class Sessions:
    """Claims and answers hops. Two round trips to Redis a hop: one here, one there."""

    def __init__(self, redis: Redis, pipeline: Pipeline, secret_key: str) -> None:
        self._redis = redis
        self._pipeline = pipeline
        self._key = hashlib.sha256(secret_key.encode()).digest()
        self._claim = pipeline.script(_CLAIM)
        self._commit = pipeline.script(_COMMIT)

    async def claim(self, session_id: str, msisdn: str, service_code: str, text: str) -> Claim:
        """Claim a hop; a twin that runs already is waited for and then replayed."""
        caller = self._digest(b"caller", f"{msisdn} {service_code}")
        key = f"cycle:ussd:{self._digest(b'session', session_id)}"
        phone = self._digest(b"phone", msisdn)
        place = self._place(text)
        before = " ".join(self._place(part) for part in _prefixes(text))
        deadline = time.monotonic() + WAIT_SECONDS
        nonce = os.urandom(8)
        while True:
            answer = await self._pipeline.run(
                self._claim,
                keys=[key, f"cycle:ussd-opened:{phone}", f"cycle:ussd-broken:{phone}"],
                args=[
                    time.time(),
                    caller,
                    place,
                    f" {before} ",
                    REPLAY_SECONDS,
                    CLAIM_SECONDS,
                    WINDOW_SECONDS,
                    SESSIONS_PER_WINDOW,
                    nonce,
                ],
            )
            word, *rest = [part.decode() for part in answer]
            if word not in ("wait", "busy"):
                break
            if time.monotonic() > deadline:
                word, rest = Verdict.BUSY, []
                break
            await asyncio.sleep(_POLL_SECONDS)
        verdict = Verdict(word)
        if verdict is Verdict.REPLAY:
            return Claim(verdict, key, place, phone, reply=rest[0])
        if verdict is Verdict.NEXT:
            state, position, last_place, until = rest
            known = int(last_place.partition(":")[0])
            return Claim(
                verdict,
                key,
                place,
                phone,
                state=state,
                position=int(position),
                typed=text[known + 1 :] if known else text,
                waited=max(0, round(time.time() - float(until) + SESSION_SECONDS)),
            )
        return Claim(verdict, key, place, phone, broken=rest[0] if rest else "")

    async def commit(
        self,
        claim: Claim,
        reply: str,
        state: str,
        *,
        broken: str = LEAVE,
        funnel: Sequence[tuple[str, int]] = (),
    ) -> bool:
        """Store the answer of a claimed hop; False when the claim ran out meanwhile.

        ``broken`` is what a redial within ten minutes is handed: text, nothing, or ``LEAVE`` for
        what is kept already. ``funnel`` adds to the day's figures (``ussd_app.funnel``).
        """
        stored = await self._pipeline.run(
            self._commit,
            keys=[claim.key, f"cycle:ussd-broken:{claim.phone}", day_key()],
            args=[
                claim.place,
                reply,
                state,
                claim.position + 1,
                time.time() + SESSION_SECONDS,
                REPLAY_SECONDS,
                broken,
                BROKEN_SECONDS,
                FUNNEL_KEPT_SECONDS,
                *(part for pair in funnel for part in pair),
            ],
        )
        return bool(stored)

    def end(self, session_id: str) -> int | None:
        """Note that the gateway ended a session: seconds since its last answer, once; else None."""
        digest = self._digest(b"session", session_id)
        if not self._redis.set(f"cycle:ussd-ended:{digest}", b"1", nx=True, ex=ENDED_SECONDS):
            return None
        until = self._redis.hget(f"cycle:ussd:{digest}", "until")
        if until is None:
            return 0
        return max(0, round(time.time() - (float(until) - SESSION_SECONDS)))

    def _place(self, text: str) -> str:
        return f"{len(text)}:{self._digest(b'text', text)}"

    def _digest(self, purpose: bytes, text: str) -> str:
        # A keyed BLAKE2 is a MAC of its own: a third of HMAC's time, and a hop takes a dozen.
        written = text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(written, digest_size=16, key=self._key, person=purpose).hexdigest()


def _prefixes(text: str) -> list[str]:
    """Return what the transcript may have been one hop ago."""
    stars = [place for place, character in enumerate(text) if character == "*"][-_HOPS_MAX:]
    return ["", *[text[:place] for place in stars if place]] if text else []
