"""Money in by a prompt (STK push): request it, and what becomes of it."""

from dataclasses import replace
from datetime import UTC, datetime

from ledger.commands.payment_parts import (
    KEY_OF_ANOTHER,
    SYSTEM,
    create,
    figures,
    party_of,
    repeated,
    tell,
)
from ledger.core.chart import Kind, SystemAccount
from ledger.core.context import Context
from ledger.core.daraja_codes import prompt_failure_needs_review, prompt_failure_template
from ledger.core.parties import Party
from ledger.core.payments import (
    OPEN_STATES,
    PROMPT_DELAY,
    PROMPT_GAP,
    SAME_AMOUNT_GAP,
    Payment,
    PaymentKind,
    PaymentRequest,
    PaymentState,
    cents_in_suspense,
)
from ledger.core.plans import Plan, Posted, moving
from ledger.core.refusals import Refusal, RefusalCode, first
from ledger.core.rules import Rules
from ledger.core.submissions import Submission
from ledger.db import audit, kernel, payments, transactions, users
from ledger.db.engine import Connection, Database
from ledger.db.rules_cache import current_rules


def request_deposit(
    database: Database, context: Context, user_id: int, amount: int, *, source: str, reference: str
) -> Payment | Refusal:
    """Promise a customer a prompt for an amount in cents, or say why not.

    The row and its callback token are committed before anything is sent; a worker sends
    the prompt about 3 s later, because a handset in a USSD session can't show it. The same
    (source, reference) gives the same payment again.
    """
    rules = current_rules(database)
    request = PaymentRequest(PaymentKind.DEPOSIT, user_id, amount, source, reference)

    def work(connection: Connection) -> Payment | Refusal:
        answer = repeated(connection, request)
        if answer is not None:
            return answer
        party = party_of(connection, user_id)
        if isinstance(party, Refusal):
            return party
        refusal = rules.refuse_amount("deposit", amount)
        refusal = refusal or _refuse_prompt(connection, party, amount, rules)
        if refusal is not None:
            return refusal
        due_at = datetime.now(UTC) + PROMPT_DELAY
        payment = create(connection, context, request, party, fee=0, due_at=due_at)
        return payment or repeated(connection, request) or KEY_OF_ANOTHER

    return database.run(context, work)


def _refuse_prompt(
    connection: Connection, party: Party, amount: int, rules: Rules
) -> Refusal | None:
    """Refuse a second prompt to a busy phone, and money that the wallet has no room for.

    One request at a time decides about a phone, until its transaction ends.
    """
    payments.lock_prompts_of(connection, party.msisdn)
    recent = payments.newest_prompt(connection, party.msisdn, within=PROMPT_GAP)
    same = payments.newest_prompt(connection, party.msisdn, within=SAME_AMOUNT_GAP, amount=amount)
    # A prompt that is answered and settled holds nobody up, but for the same amount M-Pesa does.
    blocked = recent is not None and recent.state in OPEN_STATES
    room = rules.wallet_maximum - party.balance
    return first(
        (
            Refusal(RefusalCode.PROMPT_OPEN) if blocked or same is not None else None,
            Refusal(RefusalCode.WALLET_FULL, {"room": max(0, room)}) if amount > room else None,
        )
    )


def credit(
    connection: Connection, payment: Payment, party: Party | None, rules: Rules, name: str = ""
) -> tuple[Posted, str | None]:
    """Book money that has arrived: into the wallet, or into suspense when it can't take it.

    Returns the posting and the reason for suspense. Money that is here is never refused.
    Both bookings use one key, so only one of them can ever exist.
    """
    reason = "unknown_account"
    if party is not None:
        posted = kernel.post(connection, SYSTEM, _deposit_plan(payment, party, rules, name))
        if isinstance(posted, Posted):
            return posted, None
        reason = posted.code.value
    posted = kernel.post(connection, SYSTEM, _suspense_plan(payment, party, reason))
    if isinstance(posted, Refusal):
        raise AssertionError(f"suspense refused money: {posted.code}")
    return posted, reason


def _deposit_plan(payment: Payment, party: Party, rules: Rules, name: str) -> Plan:
    receipt = payment.mpesa_receipt or ""
    return Plan(
        kind=Kind.DEPOSIT,
        source="mpesa",
        reference=f"payment:{payment.id}",
        debits=moving(payment.amount, debit=SystemAccount.CASH, credit=party.wallet_account_id),
        request={"payment": payment.id, "amount": payment.amount},
        details={"mpesa_receipt": receipt, "from": {"name": name or "M-Pesa", "msisdn": ""}},
        ceilings={party.wallet_account_id: rules.wallet_maximum},
        payment_id=payment.id,
        messages=(
            party.message("deposit_received", figures(payment), balance_of=party.wallet_account_id),
        ),
    )


def _suspense_plan(payment: Payment, party: Party | None, reason: str) -> Plan:
    held = () if party is None else (party.message("money_in_suspense", figures(payment)),)
    return Plan(
        kind=Kind.SUSPENSE,
        source="mpesa",
        reference=f"payment:{payment.id}",
        debits=moving(payment.amount, debit=SystemAccount.CASH, credit=SystemAccount.SUSPENSE),
        request={"payment": payment.id, "amount": payment.amount},
        details={"mpesa_receipt": payment.mpesa_receipt or "", "reason": reason},
        payment_id=payment.id,
        messages=held,
    )


def allocate(
    connection: Connection, context: Context, payment: Payment, party: Party, rules: Rules
) -> Posted | Refusal:
    """Move a payment's money from suspense into a wallet, or say why the wallet can't take it.

    The payment is locked. An allocation may be reversed and made anew, so each has its key.
    """
    plan = _deposit_plan(payment, party, rules, payment.payer_name or "")
    earlier = transactions.allocations_of(connection, payment.id)
    return kernel.post(
        connection,
        context,
        replace(
            plan,
            kind=Kind.SUSPENSE_ALLOCATION,
            reference=f"payment:{payment.id}:allocation:{earlier + 1}",
            details={**plan.details, "user_before": payment.user_id},
            debits=moving(
                cents_in_suspense(payment),
                debit=SystemAccount.SUSPENSE,
                credit=party.wallet_account_id,
            ),
        ),
    )


def complete(
    connection: Connection, payment: Payment, learnt: dict[str, object], rules: Rules
) -> None:
    """Credit a deposit whose payment is verified. The row is locked; ``learnt`` is stored too."""
    assert payment.user_id is not None
    found = users.find_parties(connection, user_ids=[payment.user_id], msisdns=[])
    posted, suspense_reason = credit(connection, payment, next(iter(found.values()), None), rules)
    payments.update(
        connection,
        payment.id,
        **learnt,
        state=PaymentState.COMPLETED.value,
        transaction_id=posted.transaction_id,
        suspense_reason=suspense_reason,
        settled_at=datetime.now(UTC),
        review_reason=None,
        due_at=None,
    )


def fail(connection: Connection, payment: Payment, code: str, text: str) -> None:
    """Close a deposit that was not paid, and tell the customer that no money moved."""
    payments.update(
        connection,
        payment.id,
        state=PaymentState.FAILED.value,
        result_code=code,
        result_text=text,
        settled_at=datetime.now(UTC),
        review_reason=f"result_{code}"[:60] if prompt_failure_needs_review(code) else None,
        due_at=None,
    )
    # After expiry the customer knows already that nothing came.
    if payment.state is not PaymentState.EXPIRED:
        tell(connection, payment, prompt_failure_template(code), amount=payment.amount)


def refused(connection: Connection, payment: Payment, submission: Submission) -> None:
    """Close a deposit whose prompt Daraja certainly did not send; the customer may try again."""
    payments.update(
        connection,
        payment.id,
        state=PaymentState.FAILED.value,
        result_code=submission.code,
        result_text=submission.text,
        settled_at=datetime.now(UTC),
        review_reason=None if submission.temporary else "prompt_refused",
        due_at=None,
    )
    tell(connection, payment, "deposit_failed_busy", amount=payment.amount)


def expire(connection: Connection, payment: Payment) -> None:
    """Close a deposit that nobody answered for a day; a late success still credits it."""
    payments.update(
        connection,
        payment.id,
        state=PaymentState.EXPIRED.value,
        settled_at=datetime.now(UTC),
        due_at=None,
    )
    audit.record(connection, "payment.expired", "payment", payment.id)
    tell(connection, payment, "deposit_expired", amount=payment.amount)
