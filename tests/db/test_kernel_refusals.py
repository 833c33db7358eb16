"""Every refusal of the kernel in its order of precedence: of two reasons the first is given."""

from datetime import date
from itertools import combinations
from uuid import uuid4

import pytest

from ledger.core.chart import Kind
from ledger.core.plans import Plan, Posted, Usage, moving
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import accounts
from ledger.db.engine import Database
from tests.db.people import SYSTEM, deposit_plan, post
from tests.db.scene import new_customer

# In the order in which the kernel judges, which is that of RefusalCode where both are known.
REASONS = (
    "key_reused",
    "reversal_of_reversal",
    "already_reversed",
    "account_unknown",
    "account_frozen",
    "account_closed",
    "insufficient_funds",
    "wallet_full",
    "daily_limit",
)
BALANCE = 5_000
# Exclusive of each other: one target, one status of a recipient, one debited wallet.
IMPOSSIBLE = {
    frozenset(pair)
    for pair in (
        ("reversal_of_reversal", "already_reversed"),
        ("account_unknown", "account_frozen"),
        ("account_unknown", "account_closed"),
        ("account_unknown", "wallet_full"),
        ("account_frozen", "account_closed"),
    )
}
PAIRS = [pair for pair in combinations(REASONS, 2) if frozenset(pair) not in IMPOSSIBLE]


def plan_with(database: Database, reasons: tuple[str, ...]) -> Plan:
    """A transfer of 1,000 in which each of the reasons to refuse it holds."""
    payer, payee = new_customer(database, BALANCE), new_customer(database, 0)
    status = {"account_frozen": "frozen", "account_closed": "closed"}
    for reason in set(reasons) & set(status):
        with database.transaction(SYSTEM) as connection:
            accounts.set_status(connection, payee.wallet_account_id, status[reason])
    credit = 10**15 if "account_unknown" in reasons else payee.wallet_account_id
    cents = BALANCE + 1 if "insufficient_funds" in reasons else 1_000
    reference = uuid4().hex
    if "key_reused" in reasons:
        used = deposit_plan(payer.wallet_account_id, 100, reference=reference)
        assert isinstance(post(database, used), Posted)
    return Plan(
        kind=Kind.REVERSAL,
        source="test",
        reference=reference,
        debits=moving(cents, debit=payer.wallet_account_id, credit=credit),
        request={"amount": cents},
        ceilings={credit: cents - 1} if "wallet_full" in reasons else {},
        reverses_id=target(database, reasons),
        usage=Usage(
            account_id=payer.wallet_account_id,
            kind="transfer",
            day=date(2026, 11, 25),
            amount=cents,
            daily_max=cents - 1 if "daily_limit" in reasons else cents,
        ),
    )


def target(database: Database, reasons: tuple[str, ...]) -> int | None:
    """The transaction that the plan names as reversed: none, one that was, or a reversal."""
    if not {"already_reversed", "reversal_of_reversal"} & set(reasons):
        return None
    user = new_customer(database, 0)
    original = post(database, deposit_plan(user.wallet_account_id, 100))
    assert isinstance(original, Posted)
    mirrored = deposit_plan(
        user.wallet_account_id, 100, kind=Kind.REVERSAL, reverses_id=original.transaction_id
    )
    reversal = post(database, mirrored)
    assert isinstance(reversal, Posted)
    was_reversed = "already_reversed" in reasons
    return original.transaction_id if was_reversed else reversal.transaction_id


def test_without_any_reason_the_plan_is_posted(own_database: Database) -> None:
    assert isinstance(post(own_database, plan_with(own_database, ())), Posted)


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_is_given(own_database: Database, reason: str) -> None:
    answer = post(own_database, plan_with(own_database, (reason,)))
    assert isinstance(answer, Refusal)
    assert answer.code == reason


@pytest.mark.parametrize(("earlier", "later"), PAIRS)
def test_of_two_reasons_the_first_is_given(
    own_database: Database, earlier: str, later: str
) -> None:
    answer = post(own_database, plan_with(own_database, (earlier, later)))
    assert isinstance(answer, Refusal)
    assert answer.code == earlier


def test_the_order_is_that_of_the_codes() -> None:
    codes = list(RefusalCode)
    positions = [codes.index(RefusalCode(reason)) for reason in REASONS]
    assert positions == sorted(positions)
