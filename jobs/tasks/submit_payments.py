"""Send payments that are due to Daraja: prompts about 3 s after END, payouts at once."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType

from jobs.clients.mpesa import b2c, reversal, stk_push
from jobs.clients.mpesa.account import DarajaAccount, ResultUrls
from jobs.clients.mpesa.credential import CredentialError
from jobs.clients.mpesa.outcomes import Answer, Outcome
from jobs.clients.mpesa.transport import Daraja
from jobs.queue import Task, ring
from jobs.services import JobServices
from jobs.turns import Turn
from ledger.commands import deposit_reversals, submissions
from ledger.core.payments import Payment, PaymentKind, Schedule
from ledger.core.submissions import Sent, Submission

_AT_ONCE = 8


def run(services: JobServices) -> None:
    """Send until nothing is due, or until other tasks have waited long enough.

    A slow answer delays no other payment of the batch.
    """
    turn = Turn()
    daraja = Daraja(DarajaAccount.of_settings(services.settings), services.redis)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while batch := submissions.claim_submissions(
            services.database, _AT_ONCE, schedule_of(services)
        ):
            list(pool.map(partial(submit_one, services, daraja), batch))
            if turn.is_over():
                ring(services.redis, Task.SUBMIT_PAYMENTS)
                break
    ring(services.redis, Task.SEND_SMS)


def submit_one(services: JobServices, daraja: Daraja, payment: Payment) -> None:
    """Send one payment that is committed as being sent, and note the answer."""
    answer = _send(services, daraja, payment)
    submissions.record_submission(
        services.database, payment.id, submission_of(answer), schedule_of(services)
    )


def schedule_of(services: JobServices) -> Schedule:
    """Return when to ask about payments, as the settings say."""
    return Schedule(services.settings.mpesa_question_pace)


def _send(services: JobServices, daraja: Daraja, payment: Payment) -> Answer:
    try:
        return SENDERS[payment.kind](services, daraja, payment)
    except CredentialError as error:
        # Nothing was sent; it goes out when the certificate has been mended.
        return Answer(Outcome.REFUSED, "no_credential", str(error), temporary=True)


def _send_prompt(services: JobServices, daraja: Daraja, payment: Payment) -> Answer:
    assert payment.msisdn is not None
    return stk_push.push(
        daraja,
        amount_cents=payment.amount,
        msisdn=payment.msisdn,
        account_reference=payment.account_reference,
        description="Deposit",
        callback_url=services.settings.stk_callback_url(payment.token),
    )


def _send_payout(services: JobServices, daraja: Daraja, payment: Payment) -> Answer:
    assert payment.msisdn is not None
    assert payment.originator_conversation_id is not None
    return b2c.pay(
        daraja,
        originator_conversation_id=payment.originator_conversation_id,
        amount_cents=payment.amount,
        msisdn=payment.msisdn,
        remarks=f"Withdrawal {payment.account_reference}",
        urls=ResultUrls.of_payout(services.settings, payment.token),
    )


def _send_reversal(services: JobServices, daraja: Daraja, payment: Payment) -> Answer:
    receipt = deposit_reversals.receipt_to_reverse(services.database, payment)
    return reversal.reverse(
        daraja,
        receipt=receipt,
        amount_cents=payment.amount,
        urls=ResultUrls.of_payout(services.settings, payment.token),
    )


SENDERS: Mapping[PaymentKind, Callable[[JobServices, Daraja, Payment], Answer]] = MappingProxyType(
    {
        PaymentKind.DEPOSIT: _send_prompt,
        PaymentKind.WITHDRAWAL: _send_payout,
        PaymentKind.REVERSAL: _send_reversal,
    }
)
"""How each kind of payment is sent. A payout and a reversal may be sent again as they are:
Daraja refuses the second of either; a prompt never is."""


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
