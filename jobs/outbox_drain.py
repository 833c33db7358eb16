"""Empties one channel of the outbox: claim and commit, send, record; pauses when it must.

No database connection is held while a provider is asked. A worker killed between sending and
recording leaves rows under a lease; they go out again, with the same reference.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import monotonic

import structlog

from jobs.clients.africastalking import Outcome
from jobs.delivery import PauseReason, Result, pause_reason, pause_seconds, put_back, settle
from jobs.turns import Turn
from ledger.core.context import Context
from ledger.db import audit, outbox, outbox_sending
from ledger.db.engine import Database
from ledger.db.outbox_sending import Due, Permission, Tried

_BATCH = 40
_RECORD_EVERY_SECONDS = 0.1
_TURN_SECONDS = 20.0
"""After this long other tasks of the worker get their turn; the caller rings for the rest."""

_log = structlog.get_logger(__name__)

Deliver = Callable[[list[Due]], Iterable[tuple[Due, Result | None]]]
"""Sends messages and yields each with its result as it becomes known; None: not tried."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What one turn did. ``paused`` names why it stopped, ``more`` tells that time ran out."""

    tried: int
    paused: PauseReason | None
    more: bool


def drain(
    database: Database,
    channel: str,
    deliver: Deliver,
    on_pause: Callable[[PauseReason], None] = lambda _: None,
) -> Drained:
    """Send what is due on a channel until nothing is, or the channel must pause.

    ``on_pause`` is called once when the channel stops for a reason that is new.
    """
    turn = _Turn(database, channel, deliver, on_pause)
    own_time = Turn(_TURN_SECONDS)
    more = True
    while more and not own_time.is_over():
        more = turn.batch()
    return Drained(turn.tried, turn.paused, more)


class _Turn:
    def __init__(
        self,
        database: Database,
        channel: str,
        deliver: Deliver,
        on_pause: Callable[[PauseReason], None],
    ) -> None:
        self._database = database
        self._channel = channel
        self._context = Context.of_system(f"outbox-{channel}")
        self._deliver = deliver
        self._on_pause = on_pause
        self.tried = 0
        self.paused: PauseReason | None = None

    def batch(self) -> bool:
        """Send one batch; False when there is no more to do in this turn."""
        outbox.fill(self._database)
        with self._database.transaction(self._context) as connection:
            permission = outbox_sending.permission(connection, self._channel)
            if permission is Permission.PAUSED:
                return False
            limit = 1 if permission is Permission.PROBE else _BATCH
            claimed = outbox_sending.claim(connection, self._channel, limit)
            if permission is Permission.PROBE and not claimed:
                outbox_sending.give_probe_back(connection, self._channel)
        if not claimed:
            return False
        worked = False
        for results in _in_groups(self._deliver(claimed)):
            self._record(results)
            worked = worked or any(
                result is not None and pause_reason(result.outcome) is None for _, result in results
            )
        if self.paused is None and worked and permission is Permission.PROBE:
            with self._database.transaction(self._context) as connection:
                outbox_sending.resume(connection, self._channel)
            _log.info("outbox_resumed", channel=self._channel)
        return self.paused is None

    def _record(self, results: list[tuple[Due, Result | None]]) -> None:
        tried = [
            put_back(due) if result is None else settle(due, result) for due, result in results
        ]
        known = [(due, result) for due, result in results if result is not None]
        reasons = [reason for _, result in known if (reason := pause_reason(result.outcome))]
        begins = False
        with self._database.transaction(self._context) as connection:
            outbox_sending.record(connection, tried)
            for due, result in known:
                if self._channel == "sms" and result.outcome is Outcome.OPTED_OUT:
                    user_id = outbox_sending.mark_opted_out(connection, due.recipient)
                    if user_id is not None:
                        audit.record(connection, "sms.opted_out", "user", user_id)
            if reasons and self.paused is None:
                self.paused = reasons[0]
                failures = outbox_sending.failures(connection, self._channel)
                seconds = pause_seconds(self.paused, failures)
                begins = outbox_sending.pause(connection, self._channel, self.paused, seconds)
        self.tried += len(known)
        self._log_failures(tried)
        if begins and self.paused is not None:
            _log.error("outbox_paused", channel=self._channel, reason=self.paused.value)
            self._on_pause(self.paused)

    def _log_failures(self, tried: list[Tried]) -> None:
        for row in tried:
            if row.state == "failed":
                _log.warning(
                    "message_failed",
                    channel=self._channel,
                    outbox_id=row.id,
                    reason=row.failure_reason,
                )


def _in_groups(
    results: Iterable[tuple[Due, Result | None]],
) -> Iterator[list[tuple[Due, Result | None]]]:
    """Group results that become known together, so that fast sends share a commit."""
    group: list[tuple[Due, Result | None]] = []
    began = monotonic()
    for result in results:
        group.append(result)
        if monotonic() - began >= _RECORD_EVERY_SECONDS:
            yield group
            group, began = [], monotonic()
    if group:
        yield group
