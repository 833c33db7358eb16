"""Turn Daraja's bodies into evidence: what each says about a payment, in the ledger's words."""

import re

from jobs.clients.mpesa.bodies import PaybillNotice, PromptCallback, ResultBody
from jobs.clients.mpesa.clock import parse_compact
from jobs.clients.mpesa.pull import PulledTransaction
from jobs.clients.mpesa.shillings import cents_of
from jobs.clients.mpesa.stk_query import PromptVerdict
from ledger.core.daraja_codes import (
    PROMPT_STILL_OPEN,
    REVERSAL_DONE_EARLIER,
    STATUS_NOT_PAID,
    STATUS_PAID,
    PayoutClass,
    payout_failure,
    reversal_failed,
)
from ledger.core.msisdn import parse_msisdn
from ledger.core.paybill import PaybillPayment
from ledger.core.payments import Evidence, EvidenceSource, Verdict

_PAID = "0"
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


def of_prompt_callback(callback: PromptCallback) -> Evidence:
    """Read an stkCallback: a success counts as complete with amount and receipt (row 17)."""
    if callback.code == PROMPT_STILL_OPEN:
        verdict = Verdict.OPEN
    else:
        verdict = Verdict.PAID if callback.code == _PAID else Verdict.NOT_PAID
    return Evidence(
        source=EvidenceSource.CALLBACK,
        verdict=verdict,
        code=callback.code,
        text=callback.text,
        amount=callback.amount if verdict is Verdict.PAID else None,
        payer=callback.payer,
        receipt=callback.receipt,
        checkout_request_id=callback.checkout_request_id,
        merchant_request_id=callback.merchant_request_id,
        paid_at=callback.paid_at,
        complete=callback.amount is not None and callback.receipt is not None,
    )


def of_prompt_query(verdict: PromptVerdict, checkout_request_id: str) -> Evidence:
    """Read an STK query's verdict; it never brings a receipt or an amount (1.7)."""
    return Evidence(
        source=EvidenceSource.QUERY,
        verdict=Verdict.PAID if verdict.code == _PAID else Verdict.NOT_PAID,
        code=verdict.code,
        text=verdict.text,
        checkout_request_id=checkout_request_id,
    )


def of_pulled(row: PulledTransaction) -> Evidence:
    """Read a row of Pull that carries a deposit's account reference."""
    return Evidence(
        source=EvidenceSource.PULL,
        verdict=Verdict.PAID,
        code=_PAID,
        amount=row.amount_cents,
        receipt=row.receipt,
        complete=row.amount_cents is not None,
    )


def of_payout_result(result: ResultBody) -> Evidence:
    """Read a B2C result; a code in no list is no verdict (1.8)."""
    if result.code == _PAID:
        verdict = Verdict.PAID
    elif payout_failure(result.code).payout_class is PayoutClass.IN_DOUBT:
        verdict = Verdict.OPEN
    else:
        verdict = Verdict.NOT_PAID
    completed = result.parameter_text("TransactionCompletedDateTime")
    return Evidence(
        source=EvidenceSource.CALLBACK,
        verdict=verdict,
        code=result.code,
        text=result.text,
        amount=cents_of(result.parameter("TransactionAmount")),
        receipt=result.receipt("TransactionReceipt") or result.outer_receipt,
        conversation_id=result.conversation_id,
        originator_conversation_id=result.originator_conversation_id,
        paid_at=None if completed is None else parse_compact(completed),
    )


def of_reversal_result(result: ResultBody) -> Evidence:
    """Read a reversal's result; "reversed already" means that the money has left (1.11)."""
    done = result.code in (_PAID, REVERSAL_DONE_EARLIER)
    failed = reversal_failed(result.code)
    return Evidence(
        source=EvidenceSource.CALLBACK,
        verdict=Verdict.PAID if done else Verdict.NOT_PAID if failed else Verdict.OPEN,
        code=result.code,
        text=result.text,
        amount=cents_of(result.parameter("Amount")),
        receipt=result.outer_receipt if result.code == _PAID else None,
        conversation_id=result.conversation_id,
        originator_conversation_id=result.originator_conversation_id,
    )


def of_status_result(result: ResultBody) -> Evidence:
    """Read a transaction status answer: the outer code is the question's, not the payment's."""
    fate = (result.parameter_text("TransactionStatus") or "").lower()
    verdict = Verdict.OPEN
    if result.code == _PAID and fate in STATUS_PAID:
        verdict = Verdict.PAID
    elif result.code == _PAID and fate in STATUS_NOT_PAID:
        verdict = Verdict.NOT_PAID
    finalised = result.parameter_text("FinalisedTime", "FinalizedTime")
    return Evidence(
        source=EvidenceSource.STATUS,
        verdict=verdict,
        code=fate or result.code,
        text=result.text,
        amount=cents_of(result.parameter("Amount")),
        receipt=result.receipt("ReceiptNo"),
        paid_at=None if finalised is None else parse_compact(finalised),
    )


def of_timeout() -> Evidence:
    """Read a queue timeout: nobody knows, so the payment is asked about (1.8)."""
    return Evidence(EvidenceSource.TIMEOUT, Verdict.OPEN, "timeout", "M-Pesa's queue timed out")


def of_pulled_paybill(row: PulledTransaction, amount: int) -> PaybillPayment:
    """Read a row of Pull as the paybill confirmation that it stands for."""
    from_customer = "pay-bill" in row.kind or "buy-goods" in row.kind
    return PaybillPayment(
        receipt=row.receipt,
        amount=amount,
        account_number=row.bill_reference,
        payer_msisdn=parse_msisdn(row.msisdn),
        payer_hash=None,
        payer_name="",
        paid_at=None,
        kind="Pay Bill" if from_customer else row.kind,
    )


def of_paybill(notice: PaybillNotice, receipt: str, amount: int) -> PaybillPayment:
    """Read a paybill confirmation; its MSISDN is plain, masked or a hash (row 19)."""
    digest = notice.msisdn_text.lower()
    return PaybillPayment(
        receipt=receipt,
        amount=amount,
        account_number=notice.account_number,
        payer_msisdn=parse_msisdn(notice.msisdn_text),
        payer_hash=digest if _HASH.fullmatch(digest) else None,
        payer_name=notice.payer_name,
        paid_at=notice.paid_at,
        kind=notice.kind,
    )
