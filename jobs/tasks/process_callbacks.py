"""Understand what Daraja posted: each stored body once, whatever it holds."""

from dataclasses import replace

import structlog

from jobs.clients.mpesa import bodies, evidence
from jobs.networks import is_known
from jobs.queue import Task, ring
from jobs.services import JobServices
from jobs.tasks import read_float
from jobs.turns import Turn
from ledger.commands import evidence as evidence_commands
from ledger.commands import inbox, pauses, paybill
from ledger.commands.evidence import Applied
from ledger.core.payments import Evidence, Step
from ledger.db.callbacks import Callback

_BATCH = 50
_log = structlog.get_logger(__name__)


def run(services: JobServices) -> None:
    """Process until nothing waits, or until other tasks have waited long enough.

    A body that fails is tried again later and blocks no other.
    """
    turn = Turn()
    while batch := inbox.lease(services.database, _BATCH):
        done = [_process_safely(services, callback) for callback in batch]
        ring(services.redis, Task.SEND_SMS)
        if not any(done):
            break
        if turn.is_over():
            ring(services.redis, Task.PROCESS_CALLBACKS)
            break
    if pauses.write_about(services.database, services.settings.admin_emails):
        ring(services.redis, Task.SEND_EMAIL)


def _process_safely(services: JobServices, callback: Callback) -> bool:
    try:
        return _process(services, callback)
    except Exception:
        _log.exception("callback_failed", callback_id=callback.id, kind=callback.kind)
        inbox.postpone(services.database, callback.id)
        return False


def _process(services: JobServices, callback: Callback) -> bool:
    is_known_address = is_known(callback.remote_address, services.settings.mpesa_callback_networks)
    if not is_known_address and (callback.kind == "c2b_confirm" or callback.subject == "float"):
        # Should it be true, Pull Transactions or the next question about the float tells.
        return inbox.set_aside(services.database, callback.id, "quarantined", "foreign_address")
    if callback.kind == "c2b_confirm":
        return _process_paybill(services, callback)
    if callback.subject == "float":
        return read_float.take_answer(services, callback)
    statement = read(callback)
    if statement is None:
        return inbox.set_aside(services.database, callback.id, "unreadable", "unreadable")
    statement = replace(statement, address_known=is_known_address)
    applied = evidence_commands.apply_callback(
        services.database, callback.id, callback.token, statement
    )
    return _noted(callback, applied)


def _process_paybill(services: JobServices, callback: Callback) -> bool:
    notice = bodies.read_paybill_notice(callback.body)
    if notice is None:
        return inbox.set_aside(services.database, callback.id, "unreadable", "unreadable")
    if notice.receipt is None or notice.amount is None or notice.amount <= 0:
        return inbox.set_aside(services.database, callback.id, "quarantined", "incomplete")
    if notice.shortcode != services.settings.mpesa_shortcode:
        return inbox.set_aside(services.database, callback.id, "quarantined", "wrong_shortcode")
    doubt = _doubt_about(services, notice, notice.receipt)
    if doubt is not None:
        # An unsigned body alone or against another one: M-Pesa's own list tells what was paid.
        ring(services.redis, Task.RECOVER_PAYBILLS)
        return inbox.set_aside(services.database, callback.id, "quarantined", doubt)
    paid = evidence.of_paybill(notice, notice.receipt, notice.amount)
    return _noted(callback, paybill.receive(services.database, callback.id, paid))


def _doubt_about(services: JobServices, notice: bodies.PaybillNotice, receipt: str) -> str | None:
    """Say what does not fit between a confirmation and the validation before it (row 12)."""
    asked = [
        before.amount
        for raw in inbox.announced(services.database, receipt)
        if (before := bodies.read_paybill_notice(raw)) is not None
    ]
    if any(amount != notice.amount for amount in asked):
        return "amount_mismatch"
    if not asked and services.settings.mpesa_c2b_validated:
        return "not_announced"
    return None


def _noted(callback: Callback, applied: Applied | None) -> bool:
    if applied is None:
        return False
    decision = applied.decision
    note = _log.warning if decision.step in (Step.ASK, Step.CONFLICT) else _log.info
    note(
        "callback_processed",
        callback_id=callback.id,
        kind=callback.kind,
        payment_id=applied.payment_id,
        step=decision.step.value,
        reason=decision.reason,
    )
    return True


def read(callback: Callback) -> Evidence | None:
    """Return what a body says, or None when it says nothing that its route can carry.

    The route decides the class; a Result envelope on a timeout route is read all the same
    (row 28), and so is an echoed request on a result route.
    """
    if callback.kind == "stk":
        prompt = bodies.read_prompt_callback(callback.body)
        return None if prompt is None else evidence.of_prompt_callback(prompt)
    result = bodies.read_result(callback.body)
    on_timeout_route = callback.kind.endswith("_timeout")
    if result is None:
        echoed = bodies.read_echoed_request(callback.body) is not None
        return evidence.of_timeout() if on_timeout_route or echoed else None
    if on_timeout_route and not (result.code == "0" and result.result_type == "0"):
        return evidence.of_timeout()
    if callback.kind.startswith("status_"):
        return evidence.of_status_result(result)
    if callback.subject == "reversal":
        return evidence.of_reversal_result(result)
    return evidence.of_payout_result(result)
