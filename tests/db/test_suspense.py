"""What waits in suspense for a person: all of it, once, and nothing that is a gap."""

from datetime import UTC, datetime
from uuid import uuid4

from ledger.commands import evidence, paybill, reversals
from ledger.commands.profiles import freeze_wallet, unfreeze_wallet
from ledger.commands.withdrawals import request_withdrawal
from ledger.core.chart import SystemAccount
from ledger.core.context import Context
from ledger.core.payments import Evidence, EvidenceSource, Payment, Verdict
from ledger.core.people import User
from ledger.core.plans import Posted
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import accounts, payments, rules
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


def test_an_allocation_that_is_reversed_waits_in_suspense_for_another_person(
    fresh_database: Database,
) -> None:
    jane, held = _withdraw(fresh_database, 50_000, 60_000)
    john = new_user(fresh_database)
    freeze_wallet(fresh_database, SYSTEM, jane.id, "test")
    _judge(fresh_database, held, Verdict.NOT_PAID)
    assert isinstance(paybill.allocate(fresh_database, SYSTEM, held.id, john.msisdn), Payment)
    assert _standing(fresh_database, john) == (52_000, 0, 0)

    def undo() -> Posted | Refusal:
        return reversals.reverse(
            fresh_database, SYSTEM, receipt, why="wrong person", source="test", reference=receipt
        )

    receipt = _allocation_receipts(fresh_database, held)[0]
    undone = undo()
    assert isinstance(undone, Posted)
    assert _standing(fresh_database, john) == (0, 52_000, 0)
    assert _waits(fresh_database, held) == (held.user_id, None)

    unfreeze_wallet(fresh_database, SYSTEM, jane.id, "test")
    assert isinstance(paybill.allocate(fresh_database, SYSTEM, held.id, jane.msisdn), Payment)
    assert _standing(fresh_database, jane) == (60_000, 0, 0)
    # The same reversal again answers as it did, and takes nothing from the second allocation.
    again = undo()
    assert isinstance(again, Posted)
    assert (again.receipt, again.replayed) == (undone.receipt, True)
    assert _waits(fresh_database, held) == (jane.id, "allocated")
    assert len(_allocation_receipts(fresh_database, held)) == 2
    assert verify_ledger(fresh_database) == []


def _waits(database: Database, payment: Payment) -> tuple[int | None, str | None]:
    with database.transaction(SYSTEM) as connection:
        found = payments.get(connection, payment.id)
    assert found is not None
    return found.user_id, found.suspense_resolution


def _allocation_receipts(database: Database, payment: Payment) -> list[str]:
    with database.transaction(SYSTEM) as connection:
        rows = connection.execute(
            "SELECT receipt FROM transactions WHERE payment_id = %s"
            " AND kind = 'suspense_allocation' ORDER BY id",
            (payment.id,),
        ).fetchall()
    return [row["receipt"] for row in rows]
