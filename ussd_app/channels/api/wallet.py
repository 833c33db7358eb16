"""The customer's own wallet: balance, money in and out, transfers."""

from flask import Blueprint

from jobs.queue import Task, ring
from ledger.commands.deposits import request_deposit
from ledger.commands.transfers import transfer
from ledger.commands.withdrawals import request_withdrawal
from ledger.core.payments import Payment, PaymentKind, PaymentState
from ledger.core.refusals import Refusal, RefusalCode
from ledger.queries import payments, transactions, users, wallets
from ussd_app.channels.api.auth import number_of
from ussd_app.channels.api.models import (
    Balance,
    DepositRequest,
    PaymentStatus,
    TransferDone,
    TransferRequest,
    WithdrawalRequest,
)
from ussd_app.channels.api.operations import Incoming, Operation, declare
from ussd_app.channels.api.problems import of_refusal, unauthenticated


def attach(blueprint: Blueprint) -> None:
    """Declare the operations of this module."""
    for operation in _OPERATIONS:
        declare(blueprint, operation)


def _balance(incoming: Incoming) -> Balance:
    database, context = incoming.services.database, incoming.context
    user = users.get(database, context, incoming.user_id)
    cents = wallets.balance(database, context, incoming.user_id)
    if user is None or isinstance(cents, Refusal):
        raise unauthenticated()
    return Balance.model_construct(
        balance=cents, wallet_number=user.wallet_number, status=user.wallet_status
    )


def _deposit(incoming: Incoming) -> PaymentStatus:
    body: DepositRequest = incoming.body
    assert incoming.key is not None
    payment = request_deposit(
        incoming.services.database,
        incoming.context,
        incoming.user_id,
        body.amount,
        source=f"api:{incoming.user_id}",
        reference=incoming.key,
    )
    if isinstance(payment, Refusal):
        raise of_refusal(payment)
    ring(incoming.services.redis, Task.SUBMIT_PAYMENTS, delay_seconds=1)
    return _shown(incoming, payment)


def _withdraw(incoming: Incoming) -> PaymentStatus:
    body: WithdrawalRequest = incoming.body
    assert incoming.key is not None
    payment = request_withdrawal(
        incoming.services.database,
        incoming.context,
        incoming.user_id,
        body.amount,
        source=f"api:{incoming.user_id}",
        reference=incoming.key,
        to=None if body.recipient_phone is None else number_of(body.recipient_phone),
    )
    if isinstance(payment, Refusal):
        raise of_refusal(payment)
    ring(incoming.services.redis, Task.SUBMIT_PAYMENTS)
    return _shown(incoming, payment)


def _payment_status(incoming: Incoming) -> PaymentStatus:
    wanted: str = incoming.arguments["paymentId"]
    payment = payments.find_own(
        incoming.services.database, incoming.context, incoming.user_id, wanted
    )
    if payment is None or payment.kind not in (PaymentKind.DEPOSIT, PaymentKind.WITHDRAWAL):
        raise of_refusal(Refusal(RefusalCode.PAYMENT_UNKNOWN))
    return _shown(incoming, payment)


_STATUS = {
    PaymentState.COMPLETED: "completed",
    PaymentState.FAILED: "failed",
    PaymentState.EXPIRED: "failed",
}


def _shown(incoming: Incoming, payment: Payment) -> PaymentStatus:
    receipt = None
    posted_in = payment.hold_transaction_id or payment.transaction_id
    if posted_in is not None:
        movement = transactions.get(
            incoming.services.database, incoming.context, incoming.user_id, posted_in
        )
        receipt = movement.receipt if movement else None
    return PaymentStatus.model_construct(
        id=str(payment.id),
        kind=payment.kind.value,
        status=_STATUS.get(payment.state, "pending"),
        amount=payment.amount,
        fee=payment.fee,
        external_reference=payment.account_reference,
        checkout_request_id=payment.checkout_request_id,
        mpesa_receipt_number=payment.mpesa_receipt,
        result_desc=payment.result_text,
        reference=receipt,
        created_at=payment.created_at,
        completed_at=payment.settled_at,
    )


def _transfer(incoming: Incoming) -> TransferDone:
    body: TransferRequest = incoming.body
    assert incoming.key is not None
    database, context = incoming.services.database, incoming.context
    posted = transfer(
        database,
        context,
        incoming.user_id,
        number_of(body.recipient_phone),
        body.amount,
        source=f"api:{incoming.user_id}",
        reference=incoming.key,
    )
    if isinstance(posted, Refusal):
        raise of_refusal(posted)
    ring(incoming.services.redis, Task.SEND_SMS)
    made = transactions.get(database, context, incoming.user_id, posted.transaction_id)
    assert made is not None
    party = made.counterparty or {}
    return TransferDone.model_construct(
        id=str(posted.transaction_id),
        reference=posted.receipt,
        amount=made.amount - made.fee,
        fee=made.fee,
        balance=made.balance_after,
        recipient_name=party.get("name", ""),
        recipient_phone=party.get("msisdn", ""),
        created_at=posted.posted_at,
    )


_OPERATIONS = (
    Operation("balance", "GET", "/wallet/balance", "What is in the wallet.", _balance, Balance),
    Operation(
        "deposit",
        "POST",
        "/wallet/deposit",
        "Ask M-Pesa to prompt the customer's own phone; ask for the status afterwards.",
        _deposit,
        PaymentStatus,
        202,
        body=DepositRequest,
        keyed=True,
    ),
    Operation(
        "withdraw",
        "POST",
        "/wallet/withdraw",
        "Hold an amount and pay it out to M-Pesa: the customer's own, or another number where a"
        " limit allows that.",
        _withdraw,
        PaymentStatus,
        202,
        body=WithdrawalRequest,
        keyed=True,
    ),
    Operation(
        "depositStatus",
        "GET",
        "/wallet/deposit/status/<paymentId>",
        "Where a deposit or withdrawal stands, by its id or CheckoutRequestID.",
        _payment_status,
        PaymentStatus,
    ),
    Operation(
        "transfer",
        "POST",
        "/wallet/transfer",
        "Move money to another member, at once.",
        _transfer,
        TransferDone,
        201,
        body=TransferRequest,
        keyed=True,
    ),
)
