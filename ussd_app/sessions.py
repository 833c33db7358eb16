"""USSD sessions in Redis: each hop is claimed once, answered once and replayed for ever after.

Africa's Talking sends the whole transcript with each hop and no hop id (facts 1.1). Neither the
transcript nor a PIN is stored: only a keyed digest and the length of what came so far. A new
``text`` is the next hop when the stored digest is that of one of its prefixes.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from redis import Redis

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

# KEYS: session, sessions of this phone, what its last one broke off. ARGV: now, digest of caller
# and code, prefixes as JSON [[length, digest], ...] in ascending length (the last is the whole
# text), and settings.
_CLAIM = """
local now, caller, prefixes = tonumber(ARGV[1]), ARGV[2], cjson.decode(ARGV[3])
local whole = prefixes[#prefixes]
local record = redis.call('HMGET', KEYS[1],
    'caller', 'length', 'digest', 'busy', 'busy_until', 'until', 'state', 'position')
if not record[1] then
    local opened = redis.call('INCR', KEYS[2])
    if opened == 1 then redis.call('EXPIRE', KEYS[2], ARGV[6]) end
    if opened > tonumber(ARGV[7]) then return {'too_many'} end
    redis.call('HSET', KEYS[1], 'caller', caller, 'position', 0,
        'busy', whole[2], 'busy_until', now + ARGV[5])
    redis.call('EXPIRE', KEYS[1], ARGV[4])
    return {'first', '', '0', '', redis.call('GET', KEYS[3]) or ''}
end
if record[1] ~= caller then return {'conflict'} end
local reply = redis.call('HGET', KEYS[1], 'reply:' .. whole[1] .. ':' .. whole[2])
if reply then return {'replay', reply} end
if record[4] and tonumber(record[5]) > now then
    if record[4] == whole[2] then return {'wait'} end
    return {'busy'}
end
if not record[2] then
    redis.call('HSET', KEYS[1], 'busy', whole[2], 'busy_until', now + ARGV[5])
    return {'first', '', '0', '', redis.call('GET', KEYS[3]) or ''}
end
if tonumber(record[6]) < now then return {'expired'} end
for i = 1, #prefixes - 1 do
    if prefixes[i][1] == tonumber(record[2]) and prefixes[i][2] == record[3] then
        redis.call('HSET', KEYS[1], 'busy', whole[2], 'busy_until', now + ARGV[5])
        return {'next', record[7], record[8], tostring(prefixes[i][1]), '', record[6]}
    end
end
return {'conflict'}
"""

# KEYS: session, what this phone's last session broke off, the day's funnel. ARGV: digest of the
# text, its length, reply, state, until, seconds kept; what to keep for a redial ('' for nothing,
# '-' to leave what is there), its seconds; pairs to add to the funnel, its seconds.
_COMMIT = """
if redis.call('HGET', KEYS[1], 'busy') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'busy', 'busy_until')
redis.call('HSET', KEYS[1], 'length', ARGV[2], 'digest', ARGV[1], 'state', ARGV[4],
    'until', ARGV[5], 'reply:' .. ARGV[2] .. ':' .. ARGV[1], ARGV[3])
redis.call('HINCRBY', KEYS[1], 'position', 1)
redis.call('EXPIRE', KEYS[1], ARGV[6])
if ARGV[7] == '' then
    redis.call('DEL', KEYS[2])
elseif ARGV[7] ~= '-' then
    redis.call('SET', KEYS[2], ARGV[7], 'EX', ARGV[8])
end
for _, pair in ipairs(cjson.decode(ARGV[9])) do
    redis.call('HINCRBY', KEYS[3], pair[1], pair[2])
end
redis.call('EXPIRE', KEYS[3], ARGV[10])
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
    """Another hop of this session is running and did not end within the deadline."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer one hop, or the reason against it.

    ``reply`` is the stored answer of a replay; ``state`` and ``typed`` belong to a next hop.
    ``position`` counts the hops answered before this one, ``waited`` the seconds since. ``broken``
    is what ``commit`` kept of this phone's last session, when it broke off.
    """

    verdict: Verdict
    key: str
    digest: str
    length: int
    phone: str = ""
    reply: str = ""
    state: str = ""
    typed: str = ""
    position: int = 0
    waited: int = 0
    broken: str = ""


class Sessions:
    """Claims and answers hops. Two round trips to Redis a hop: one here, one there."""

    def __init__(self, redis: Redis, secret_key: str) -> None:
        self._redis = redis
        self._secret = secret_key.encode()
        self._claim = redis.register_script(_CLAIM)
        self._commit = redis.register_script(_COMMIT)

    def claim(self, session_id: str, msisdn: str, service_code: str, text: str) -> Claim:
        """Claim a hop; a twin that runs already is waited for and then replayed."""
        caller = self._digest("caller", f"{msisdn} {service_code}")
        key = f"cycle:ussd:{self._digest('session', session_id)}"
        phone = self._digest("phone", msisdn)
        prefixes = [(len(part), self._digest("text", part)) for part in _prefixes(text)]
        length, digest = prefixes[-1]
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            answer = self._claim(
                keys=[key, f"cycle:ussd-opened:{phone}", f"cycle:ussd-broken:{phone}"],
                args=[
                    time.time(),
                    caller,
                    json.dumps(prefixes),
                    REPLAY_SECONDS,
                    CLAIM_SECONDS,
                    WINDOW_SECONDS,
                    SESSIONS_PER_WINDOW,
                ],
            )
            word, *rest = [part.decode() for part in answer]
            if word not in ("wait", "busy"):
                break
            if time.monotonic() > deadline:
                word, rest = Verdict.BUSY, []
                break
            time.sleep(_POLL_SECONDS)
        verdict = Verdict(word)
        if verdict is Verdict.REPLAY:
            return Claim(verdict, key, digest, length, phone, reply=rest[0])
        if verdict is Verdict.NEXT:
            known = int(rest[2])
            typed = text[known + 1 :] if known else text
            last = float(rest[4]) - SESSION_SECONDS
            return Claim(
                verdict,
                key,
                digest,
                length,
                phone,
                state=rest[0],
                position=int(rest[1]),
                typed=typed,
                waited=max(0, round(time.time() - last)),
            )
        return Claim(verdict, key, digest, length, phone, broken=rest[3] if rest else "")

    def commit(
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
        stored = self._commit(
            keys=[claim.key, f"cycle:ussd-broken:{claim.phone}", day_key()],
            args=[
                claim.digest,
                claim.length,
                reply,
                state,
                time.time() + SESSION_SECONDS,
                REPLAY_SECONDS,
                broken,
                BROKEN_SECONDS,
                json.dumps(funnel),
                FUNNEL_KEPT_SECONDS,
            ],
        )
        return bool(stored)

    def end(self, session_id: str) -> int | None:
        """Note that the gateway ended a session: seconds since its last answer, once; else None."""
        digest = self._digest("session", session_id)
        if not self._redis.set(f"cycle:ussd-ended:{digest}", b"1", nx=True, ex=ENDED_SECONDS):
            return None
        until = self._redis.hget(f"cycle:ussd:{digest}", "until")
        if until is None:
            return 0
        return max(0, round(time.time() - (float(until) - SESSION_SECONDS)))

    def _digest(self, purpose: str, text: str) -> str:
        return hmac.digest(self._secret, f"{purpose}:{text}".encode(), hashlib.sha256).hex()[:32]


def _prefixes(text: str) -> list[str]:
    """Return what the transcript may have been one hop ago, and the whole text last."""
    stars = [place for place, character in enumerate(text) if character == "*"][-_HOPS_MAX:]
    return ["", *[text[:place] for place in stars if place], text] if text else [""]
