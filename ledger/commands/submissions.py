"""Payments on their way to Daraja: claim them, note what came of it, ask when nothing did."""

import secrets
from datetime import UTC, datetime

from ledger.commands import deposit_reversals, deposits, pauses, withdrawals
from ledger.commands.payment_parts import SYSTEM, tell
from ledger.core.payments import (
    EXPIRY,
    OPEN_STATES,
    Payment,
    PaymentKind,
    PaymentState,
    Schedule,
)
from ledger.core.submissions import PROMPT_ATTEMPTS_MAX, Sent, Submission, retry_delay
from ledger.db import payments
from ledger.db.engine import Connection, Database

USUAL = Schedule()
_ASKED_ABOUT = (
    PaymentState.SUBMITTING,
    PaymentState.PENDING,
    PaymentState.UNKNOWN,
    PaymentState.FAILED,
    PaymentState.EXPIRED,
)


def claim_submissions(database: Database, limit: int, schedule: Schedule = USUAL) -> list[Payment]:
    """Take payments to be sent now. Each is committed as ``submitting`` before it is sent.

    While payouts are paused, what needs our initiator waits with its hold.
    """

    def work(connection: Connection) -> list[Payment]:
        paused = bool(pauses.reasons(connection))
        kinds = (PaymentKind.DEPOSIT,) if paused else tuple(PaymentKind)
        claimed = payments.due(connection, (PaymentState.CREATED,), limit, kinds)
        now = datetime.now(UTC)
        for payment in claimed:
            payments.update(
                connection,
                payment.id,
                state=PaymentState.SUBMITTING.value,
                attempts=payment.attempts + 1,
                submitted_at=payment.submitted_at or now,
                due_at=now + schedule.lease,
            )
        return claimed

    return database.run(SYSTEM, work)


def record_submission(
    database: Database, payment_id: int, submission: Submission, schedule: Schedule = USUAL
) -> None:
    """Note the answer to a request. It never moves a payment that has a verdict already."""

    def work(connection: Connection) -> None:
        payment = payments.lock(connection, payment_id)
        assert payment is not None
        _fill_identifiers(connection, payment, submission)
        if payment.state is PaymentState.SUBMITTING:
            _move(connection, payment, submission, schedule)
        elif payment.state is PaymentState.UNKNOWN and submission.sent in (
            Sent.ACCEPTED,
            Sent.DUPLICATE,
        ):
            _accept(connection, payment, schedule)

    database.run(SYSTEM, work)


def _fill_identifiers(connection: Connection, payment: Payment, submission: Submission) -> None:
    offered = {
        "checkout_request_id": submission.checkout_request_id,
        "merchant_request_id": submission.merchant_request_id,
        "conversation_id": submission.conversation_id,
    }
    news = {
        name: value
        for name, value in offered.items()
        if value is not None and getattr(payment, name) is None
    }
    if news:
        payments.update(connection, payment.id, **news)


def _move(
    connection: Connection, payment: Payment, submission: Submission, schedule: Schedule
) -> None:
    if submission.sent in (Sent.ACCEPTED, Sent.DUPLICATE):
        _accept(connection, payment, schedule)
    elif submission.sent is Sent.UNKNOWN:
        payments.update(
            connection,
            payment.id,
            state=PaymentState.UNKNOWN.value,
            result_code=submission.code,
            result_text=submission.text,
            due_at=datetime.now(UTC) + schedule.next_question(payment.kind, 0),
        )
        _tell_in_doubt(connection, payment)
    elif submission.temporary and _may_try_again(payment):
        _send_again_later(connection, payment, submission)
    else:
        payments.update(connection, payment.id, submitted_at=None)
        _refuse(connection, payment, submission)


def _tell_in_doubt(connection: Connection, payment: Payment) -> None:
    if payment.kind is PaymentKind.DEPOSIT:
        tell(connection, payment, "deposit_pending", amount=payment.amount)
    elif payment.kind is PaymentKind.WITHDRAWAL:
        withdrawals.tell_pending(connection, payment)


def _may_try_again(payment: Payment) -> bool:
    # A customer waits for a prompt now; a payout's hold stays until it can be sent.
    return payment.kind is not PaymentKind.DEPOSIT or payment.attempts < PROMPT_ATTEMPTS_MAX


def _send_again_later(connection: Connection, payment: Payment, submission: Submission) -> None:
    jitter = secrets.randbelow(1000) / 1000
    payments.update(
        connection,
        payment.id,
        state=PaymentState.CREATED.value,
        submitted_at=None,
        result_code=submission.code,
        result_text=submission.text,
        due_at=datetime.now(UTC) + retry_delay(payment.attempts, jitter),
    )


def _accept(connection: Connection, payment: Payment, schedule: Schedule) -> None:
    payments.update(
        connection,
        payment.id,
        state=PaymentState.PENDING.value,
        due_at=datetime.now(UTC) + schedule.next_question(payment.kind, 0),
    )


def _refuse(connection: Connection, payment: Payment, submission: Submission) -> None:
    if payment.kind is PaymentKind.DEPOSIT:
        deposits.refused(connection, payment, submission)
    elif payment.kind is PaymentKind.WITHDRAWAL:
        withdrawals.refused(connection, payment, submission.code, submission.text)
    else:
        deposit_reversals.fail(connection, payment, submission.code, submission.text)


def claim_questions(database: Database, limit: int, schedule: Schedule = USUAL) -> list[Payment]:
    """Take payments about which Daraja should be asked now, and note when to ask next.

    A submission whose worker was lost becomes ``unknown`` here: nobody knows if it went out.
    """

    def work(connection: Connection) -> list[Payment]:
        claimed = payments.due(connection, _ASKED_ABOUT, limit)
        now = datetime.now(UTC)
        for payment in claimed:
            lost = payment.state is PaymentState.SUBMITTING
            next_due = now + schedule.next_question(payment.kind, payment.questions + 1)
            payments.update(
                connection,
                payment.id,
                state=PaymentState.UNKNOWN.value if lost else payment.state.value,
                questions=payment.questions + 1,
                due_at=next_due if payment.state in OPEN_STATES else None,
            )
        return claimed

    return database.run(SYSTEM, work)


def ask_now(database: Database) -> int:
    """Bring the next question about every payment without a verdict forward to now."""
    return database.run(SYSTEM, payments.ask_now)


def expire_prompt(
    database: Database,
    payment_id: int,
    *,
    proven_absent: bool,
    schedule: Schedule = USUAL,
) -> None:
    """Close a deposit without a verdict once its prompt is long dead.

    ``proven_absent`` tells that M-Pesa's own list of payments does not hold it; else a day
    must pass. Nothing is lost either way: a success that comes later still credits.
    """

    def work(connection: Connection) -> None:
        payment = payments.lock(connection, payment_id)
        assert payment is not None
        age = datetime.now(UTC) - payment.created_at
        if (
            payment.kind is PaymentKind.DEPOSIT
            and payment.state in OPEN_STATES
            and age > (schedule.prompt_lifetime if proven_absent else EXPIRY)
        ):
            deposits.expire(connection, payment)

    database.run(SYSTEM, work)
