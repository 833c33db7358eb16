"""What waits in suspense for a person: all of it, once, and nothing that is a gap."""

from datetime import UTC, datetime
from uuid import uuid4

from ledger.commands import evidence, paybill
from ledger.commands.profiles import freeze_wallet, unfreeze_wallet
from ledger.commands.withdrawals import request_withdrawal
from ledger.core.chart import SystemAccount
from ledger.core.context import Context
from ledger.core.payments import Evidence, EvidenceSource, Payment, Verdict
from ledger.core.people import User
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import accounts, rules
from ledger.db.engine import Database
from ledger.queries import wallets
from ledger.queries.verify import verify_ledger
from tests.db.people import SYSTEM, new_user

FEE = 2_000


def _withdraw(database: Database, cents: int, start: int) -> tuple[User, Payment]:
    now = datetime.now(UTC)
    with database.transaction(SYSTEM) as connection:
        rules.set_tariff(
            connection, "withdrawal", [(10**8, FEE)], valid_from=now, set_by="system:test"
        )
    user = new_user(database, cents=start)
    held = request_withdrawal(
        database,
        Context.of_user(user.id, "ussd"),
        user.id,
        cents,
        source="test",
        reference=uuid4().hex,
    )
    assert isinstance(held, Payment)
    return user, held


def _judge(database: Database, payment: Payment, verdict: Verdict) -> None:
    paid = verdict is Verdict.PAID
    receipt = uuid4().hex[:10].upper() if paid else None
    code = "0" if paid else "2040"
    statement = Evidence(
        EvidenceSource.STATUS, verdict, code, amount=payment.amount, receipt=receipt
    )
    evidence.apply(database, payment.id, statement)


def _standing(database: Database, user: User) -> tuple[int | Refusal, int, int]:
    with database.transaction(SYSTEM) as connection:
        balances = accounts.system_balances(connection)
    return (
        wallets.balance(database, SYSTEM, user.id),
        balances[SystemAccount.SUSPENSE],
        balances[SystemAccount.REVENUE_FEES],
    )


def test_a_hold_that_no_wallet_took_back_is_allocated_with_its_fee(
    fresh_database: Database,
) -> None:
    user, held = _withdraw(fresh_database, 50_000, 60_000)
    freeze_wallet(fresh_database, SYSTEM, user.id, "test")
    _judge(fresh_database, held, Verdict.NOT_PAID)
    assert _standing(fresh_database, user) == (8_000, 52_000, 0)
    unfreeze_wallet(fresh_database, SYSTEM, user.id, "test")
    assert isinstance(paybill.allocate(fresh_database, SYSTEM, held.id, user.msisdn), Payment)
    assert _standing(fresh_database, user) == (60_000, 0, 0)


def test_a_payout_found_paid_late_takes_the_money_that_waits_in_suspense_for_it(
    fresh_database: Database,
) -> None:
    user, held = _withdraw(fresh_database, 20_000, 60_000)
    freeze_wallet(fresh_database, SYSTEM, user.id, "test")
    _judge(fresh_database, held, Verdict.NOT_PAID)
    unfreeze_wallet(fresh_database, SYSTEM, user.id, "test")
    _judge(fresh_database, held, Verdict.PAID)
    assert _standing(fresh_database, user) == (38_000, 0, FEE)
    assert verify_ledger(fresh_database) == []


def test_a_gap_in_suspense_is_no_money_to_allocate(fresh_database: Database) -> None:
    user, held = _withdraw(fresh_database, 50_000, 52_000)
    _judge(fresh_database, held, Verdict.NOT_PAID)
    freeze_wallet(fresh_database, SYSTEM, user.id, "test")
    _judge(fresh_database, held, Verdict.PAID)
    assert _standing(fresh_database, user) == (52_000, -52_000, FEE)
    unfreeze_wallet(fresh_database, SYSTEM, user.id, "test")
    refused = paybill.allocate(fresh_database, SYSTEM, held.id, user.msisdn)
    assert refused == Refusal(RefusalCode.STATE_CONFLICT)
    assert _standing(fresh_database, user) == (52_000, -52_000, FEE)
