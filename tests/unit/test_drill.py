"""The drill's judgement: it repeats itself from a seed and finds what is wrong."""

from datetime import UTC, datetime
from typing import Any

import pytest

from standin.behaviour import BehaviourSwitch
from standin.drill import plan
from standin.drill.comparison import Findings, compare_money, compare_receipts, compare_transfers
from standin.drill.ledger_book import LedgerPayment, Movement
from standin.drill.plan import Move
from standin.faults import PLACES, Faults

# Once in a paybill's life, once an hour, or an admin's deed: no part of a drill.
NOT_VISITED = {
    *("c2b.register", "c2b.simulate", "pull.register"),
    *("balance.sync", "balance.result", "reversal.sync", "reversal.result"),
}
PHONES = plan.people(5)
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def mpesa(kind: str = "stk", amount: str = "100.00", **changes: Any) -> dict[str, Any]:
    return {
        "state": "completed",
        "kind": kind,
        "amount": amount,
        "receipt": "R1",
        "reference": "REF",
        "checkout_request_id": "ws_CO_1",
        "originator_conversation_id": "ours",
        **changes,
    }


def booked(kind: str = "deposit", cash: int = 100_00, state: str = "completed") -> LedgerPayment:
    return LedgerPayment(1, kind, state, abs(cash), "R1", "ws_CO_1", "ours", "REF", cash)


def movement(kind: str = "deposit", receipt: str = "7KQ2MRX9TB") -> Movement:
    return Movement(receipt, kind, "+" + PHONES[0], "C", 100_00, 250_00, NOW, 0, 1000)


def test_a_seed_repeats_moves_faults_and_kills() -> None:
    assert plan.moves(7, PHONES, 50) == plan.moves(7, PHONES, 50)
    assert plan.fault_rules(7, 50) == plan.fault_rules(7, 50)
    assert plan.kills(7, 9) == plan.kills(7, 9)
    assert plan.moves(7, PHONES, 50) != plan.moves(8, PHONES, 50)
    assert plan.fault_rules(7, 50) != plan.fault_rules(8, 50)


def test_each_seed_has_its_own_spelling_of_m_pesa() -> None:
    assert plan.forms(7) == plan.forms(7)
    assert len({str(plan.forms(seed)) for seed in range(5)}) == 5
    BehaviourSwitch().change(plan.forms(7))


def test_the_stand_in_takes_the_rules_and_every_kind_is_among_them() -> None:
    document = plan.fault_rules(1, 2000)
    Faults().load(document)
    planned = {(rule["at"], rule["do"]) for rule in document["rules"]}
    assert {kind for kinds in PLACES.values() for kind in kinds} == {do for _, do in planned}
    assert {at for at, _ in planned} == PLACES.keys() - NOT_VISITED


def test_what_was_planned_and_never_came_is_named() -> None:
    rules = {"rules": [{"at": "smtp", "do": "drop"}, {"at": "smtp", "do": "slow"}]}
    assert plan.never_fired(rules, {"smtp": {"slow": 2}}) == {"smtp": ["drop"]}


@pytest.mark.parametrize(
    ("theirs", "ours", "lost", "doubled"),
    [
        ([mpesa()], [booked()], 0, 0),
        ([mpesa()], [], 100_00, 0),
        ([mpesa()], [booked(cash=0, state="failed")], 100_00, 0),
        ([], [booked()], 0, 100_00),
        ([mpesa()], [booked(cash=200_00)], 0, 100_00),
        ([mpesa(state="failed")], [booked(cash=0, state="failed")], 0, 0),
        ([mpesa("b2c")], [booked("withdrawal", -100_00)], 0, 0),
        ([mpesa("b2c")], [booked("withdrawal", 0, "failed")], 0, 100_00),
        ([], [booked("withdrawal", -100_00)], 100_00, 0),
        ([mpesa("paybill")], [booked("paybill")], 0, 0),
    ],
)
def test_money_that_only_one_book_has_is_lost_or_doubled(
    theirs: list[dict[str, Any]], ours: list[LedgerPayment], lost: int, doubled: int
) -> None:
    findings = Findings()
    compare_money(theirs, ours, findings)
    assert (findings.lost_cents, findings.doubled_cents) == (lost, doubled)
    assert findings.clean is not bool(lost or doubled)


RECEIPT = "7KQ2MRX9TB Confirmed. Ksh100.00 deposited. New balance is Ksh250.00."


@pytest.mark.parametrize(
    ("inbox", "wrong", "copies"),
    [
        ([RECEIPT], 0, 0),
        ([RECEIPT, RECEIPT], 0, 1),
        ([], 1, 0),
        ([RECEIPT.replace("100", "101")], 1, 0),
        ([RECEIPT.replace("250", "251")], 1, 0),
        ([RECEIPT, RECEIPT.replace("100", "101")], 1, 0),
    ],
)
def test_a_receipt_is_told_once_with_its_own_figures(
    inbox: list[str], wrong: int, copies: int
) -> None:
    findings = Findings()
    repeated = compare_receipts([movement()], {PHONES[0]: inbox}, findings)
    assert (findings.receipts_wrong, repeated) == (wrong, copies)


def test_more_transfers_than_tries_are_doubled() -> None:
    sent = Movement("7KQ2MRX9TB", "transfer", "+" + PHONES[0], "D", 100_00, 0, NOW, 0, 1000)
    tried = [(Move("send", PHONES[0], 100), "")]
    once, twice = Findings(), Findings()
    compare_transfers(tried, [sent], once)
    compare_transfers(tried, [sent, sent], twice)
    assert (once.doubled_cents, twice.doubled_cents) == (0, 100_00)
