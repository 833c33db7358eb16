"""Ask Daraja about payments that have no verdict, on the schedule of facts 1.7."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from jobs.clients.mpesa import evidence, pull, stk_query
from jobs.clients.mpesa.account import DarajaAccount
from jobs.clients.mpesa.transport import Daraja
from jobs.queue import Task, ring
from jobs.services import JobServices
from ledger.commands import evidence as evidence_commands
from ledger.commands import submissions
from ledger.core.payments import Payment

_AT_ONCE = 4
_PULL_MARGIN = timedelta(hours=3)
"""Nobody has proven the time zone of Pull's answers (1.13)."""

_log = structlog.get_logger(__name__)


def run(services: JobServices) -> None:
    """Ask until no question is due."""
    daraja = Daraja(DarajaAccount.of_settings(services.settings), services.redis)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while batch := submissions.claim_questions(services.database, _AT_ONCE):
            list(pool.map(partial(_ask, services, daraja), batch))
    ring(services.redis, Task.SEND_SMS)


def _ask(services: JobServices, daraja: Daraja, payment: Payment) -> None:
    if payment.checkout_request_id is not None:
        _ask_about_prompt(services, daraja, payment, payment.checkout_request_id)
    else:
        _look_for_prompt(services, daraja, payment)


def _ask_about_prompt(
    services: JobServices, daraja: Daraja, payment: Payment, checkout_request_id: str
) -> None:
    verdict = stk_query.verdict(stk_query.query(daraja, checkout_request_id))
    if verdict is None:
        submissions.expire_prompt(services.database, payment.id, proven_absent=False)
        return
    statement = evidence.of_prompt_query(verdict, checkout_request_id)
    applied = evidence_commands.apply(services.database, payment.id, statement)
    _log.info("payment_queried", payment_id=payment.id, step=applied.decision.step.value)


def _look_for_prompt(services: JobServices, daraja: Daraja, payment: Payment) -> None:
    """Look for a prompt whose identifiers were lost with the answer, by its own reference."""
    window = pull.pull_window(
        daraja, payment.created_at - _PULL_MARGIN, datetime.now(UTC) + _PULL_MARGIN
    )
    for row in window.transactions:
        if row.bill_reference == payment.account_reference:
            evidence_commands.apply(services.database, payment.id, evidence.of_pulled(row))
            return
    submissions.expire_prompt(services.database, payment.id, proven_absent=window.proven)
