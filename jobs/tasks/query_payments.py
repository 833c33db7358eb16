"""Ask Daraja about payments that have no verdict, on the schedule of facts 1.7."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from jobs.clients.mpesa import evidence, pull, stk_query, transaction_status
from jobs.clients.mpesa.account import DarajaAccount, ResultUrls
from jobs.clients.mpesa.credential import CredentialError
from jobs.clients.mpesa.transport import Daraja
from jobs.queue import Task, ring
from jobs.services import JobServices
from jobs.tasks.submit_payments import schedule_of, submit_one
from jobs.turns import Turn
from ledger.commands import evidence as evidence_commands
from ledger.commands import submissions
from ledger.core.payments import Payment, PaymentKind, PaymentState

_AT_ONCE = 4
_PULL_MARGIN = timedelta(hours=3)
"""Nobody has proven the time zone of Pull's answers (1.13)."""

_QUESTIONS_FIRST = 1
_SEND_AGAIN_WITHIN = timedelta(hours=20)

_log = structlog.get_logger(__name__)


def run(services: JobServices) -> None:
    """Ask until no question is due, or until other tasks have waited long enough."""
    turn = Turn()
    daraja = Daraja(DarajaAccount.of_settings(services.settings), services.redis)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while batch := submissions.claim_questions(
            services.database, _AT_ONCE, schedule_of(services)
        ):
            list(pool.map(partial(_ask, services, daraja), batch))
            if turn.is_over():
                ring(services.redis, Task.QUERY_PAYMENTS)
                break
    ring(services.redis, Task.SEND_SMS)


def _ask(services: JobServices, daraja: Daraja, payment: Payment) -> None:
    if payment.kind is PaymentKind.REVERSAL:
        _ask_about_reversal(services, daraja, payment)
    elif payment.kind is PaymentKind.WITHDRAWAL:
        _ask_about_payout(services, daraja, payment)
    elif payment.checkout_request_id is not None:
        _ask_about_prompt(services, daraja, payment, payment.checkout_request_id)
    else:
        _look_for_prompt(services, daraja, payment)


def _ask_about_prompt(
    services: JobServices, daraja: Daraja, payment: Payment, checkout_request_id: str
) -> None:
    verdict = stk_query.verdict(stk_query.query(daraja, checkout_request_id))
    if verdict is None:
        _expire(services, payment, proven_absent=False)
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
    _expire(services, payment, proven_absent=window.proven)


def _expire(services: JobServices, payment: Payment, *, proven_absent: bool) -> None:
    submissions.expire_prompt(
        services.database,
        payment.id,
        proven_absent=proven_absent,
        schedule=schedule_of(services),
    )


def _ask_about_payout(services: JobServices, daraja: Daraja, payment: Payment) -> None:
    """Ask for a payout's fate; the answer comes to the payment's status hook.

    If Daraja never confirmed that it has the payout, send it once more under the same
    originator id, which Daraja refuses if the first one went in.
    """
    if _may_be_sent_again(payment) and payment.questions >= _QUESTIONS_FIRST:
        submit_one(services, daraja, payment)
        return
    if payment.originator_conversation_id is not None:
        _ask_for_status(services, daraja, payment, payment.originator_conversation_id)


def _ask_about_reversal(services: JobServices, daraja: Daraja, payment: Payment) -> None:
    if payment.conversation_id is not None:
        _ask_for_status(services, daraja, payment, payment.conversation_id)
    elif _may_be_sent_again(payment):
        submit_one(services, daraja, payment)


def _may_be_sent_again(payment: Payment) -> bool:
    # How long Daraja remembers an originator id is unknown; within a day it does.
    return (
        payment.state in (PaymentState.UNKNOWN, PaymentState.SUBMITTING)
        and payment.conversation_id is None
        and datetime.now(UTC) - payment.created_at < _SEND_AGAIN_WITHIN
    )


def _ask_for_status(
    services: JobServices, daraja: Daraja, payment: Payment, conversation_id: str
) -> None:
    try:
        answer = transaction_status.ask(
            daraja,
            urls=ResultUrls.of_question(services.settings, payment.token),
            original_conversation_id=conversation_id,
        )
    except CredentialError as error:
        _log.error("status_not_asked", payment_id=payment.id, error=str(error))
        return
    _log.info("status_asked", payment_id=payment.id, outcome=answer.outcome.value)
