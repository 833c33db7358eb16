"""Understand what Daraja posted: each stored body once, whatever it holds."""

import random

import structlog

from jobs.clients.mpesa import bodies, evidence
from jobs.queue import Task, ring
from jobs.services import JobServices
from ledger.commands import evidence as evidence_commands
from ledger.commands import inbox
from ledger.core.payments import Evidence
from ledger.db.callbacks import Callback

_BATCH = 50
_log = structlog.get_logger(__name__)


def run(services: JobServices) -> None:
    """Process until nothing waits. A body that fails is tried again later and blocks no other."""
    while batch := inbox.waiting(services.database, _BATCH):
        # Workers that drain together start at different bodies and so rarely meet.
        random.shuffle(batch)
        done = [_process_safely(services, callback) for callback in batch]
        ring(services.redis, Task.SEND_SMS)
        if not any(done):
            return


def _process_safely(services: JobServices, callback: Callback) -> bool:
    try:
        return _process(services, callback)
    except Exception:
        _log.exception("callback_failed", callback_id=callback.id, kind=callback.kind)
        inbox.postpone(services.database, callback.id)
        return False


def _process(services: JobServices, callback: Callback) -> bool:
    statement = read(callback)
    if statement is None:
        return inbox.set_aside(services.database, callback.id, "unreadable", "unreadable")
    applied = evidence_commands.apply_callback(
        services.database, callback.id, callback.token, statement
    )
    if applied is None:
        return False
    _log.info(
        "callback_processed",
        callback_id=callback.id,
        kind=callback.kind,
        payment_id=applied.payment_id,
        step=applied.decision.step.value,
        reason=applied.decision.reason,
    )
    return True


def read(callback: Callback) -> Evidence | None:
    """Return what a body says, or None when it says nothing that its route can carry."""
    if callback.kind == "stk":
        prompt = bodies.read_prompt_callback(callback.body)
        return None if prompt is None else evidence.of_prompt_callback(prompt)
    return None
