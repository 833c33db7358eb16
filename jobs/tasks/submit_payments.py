"""Send payments that are due to Daraja: prompts about 3 s after END, payouts at once."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from jobs.clients.mpesa import stk_push
from jobs.clients.mpesa.account import DarajaAccount
from jobs.clients.mpesa.outcomes import Answer
from jobs.clients.mpesa.transport import Daraja
from jobs.queue import Task, ring
from jobs.services import JobServices
from ledger.commands import submissions
from ledger.core.payments import Payment
from ledger.core.submissions import Sent, Submission

_AT_ONCE = 8


def run(services: JobServices) -> None:
    """Send until nothing is due. A slow answer delays no other payment of the batch."""
    daraja = Daraja(DarajaAccount.of_settings(services.settings), services.redis)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while batch := submissions.claim_submissions(services.database, _AT_ONCE):
            list(pool.map(partial(_submit, services, daraja), batch))
    ring(services.redis, Task.SEND_SMS)


def _submit(services: JobServices, daraja: Daraja, payment: Payment) -> None:
    answer = _send(services, daraja, payment)
    submissions.record_submission(services.database, payment.id, submission_of(answer))


def _send(services: JobServices, daraja: Daraja, payment: Payment) -> Answer:
    assert payment.msisdn is not None
    return stk_push.push(
        daraja,
        amount_cents=payment.amount,
        msisdn=payment.msisdn,
        account_reference=payment.account_reference,
        description="Deposit",
        callback_url=services.settings.stk_callback_url(payment.token),
    )


def submission_of(answer: Answer) -> Submission:
    """Return an answer in the ledger's words."""
    return Submission(
        sent=Sent(answer.outcome.value),
        code=answer.code,
        text=answer.text,
        temporary=answer.temporary,
        checkout_request_id=answer.field_text("CheckoutRequestID", 100),
        merchant_request_id=answer.field_text("MerchantRequestID", 100),
        conversation_id=answer.field_text("ConversationID", 100),
    )
