"""Reconciliation's rules, and the portal's file that it reads."""

from datetime import UTC, date, datetime, timedelta

import pytest

from ledger.core.portal_statement import StatementError, read_rows
from ledger.core.reconciliation import (
    DUAL_CONTROL_CENTS,
    ItemAction,
    RunState,
    SourceState,
    final_state,
    light_window,
    needs_second_person,
    window_of_day,
)

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("found", "source", "state"),
    [
        ({}, SourceState.READ, RunState.COMPLETED),
        ({"missing_ledger": 0}, SourceState.NOT_ASKED, RunState.COMPLETED),
        ({"missing_ledger": 2}, SourceState.READ, RunState.WARNING),
        ({"missing_ledger": 2}, SourceState.FAILED, RunState.INCOMPLETE),
    ],
)
def test_how_a_run_ends(found: dict[str, int], source: SourceState, state: RunState) -> None:
    assert final_state(found, {"pull": source}) is state


@pytest.mark.parametrize(
    ("action", "cents", "two"),
    [
        (ItemAction.NOTE, DUAL_CONTROL_CENTS + 1, False),
        (ItemAction.CREDIT, DUAL_CONTROL_CENTS, False),
        (ItemAction.CREDIT, -DUAL_CONTROL_CENTS - 1, True),
    ],
)
def test_large_corrections_take_two_people(action: ItemAction, cents: int, two: bool) -> None:
    assert needs_second_person(action, cents) is two


def test_windows() -> None:
    day = window_of_day(date(2026, 11, 25))
    assert (day.start, day.end - day.start) == (
        datetime(2026, 11, 24, 21, tzinfo=UTC),
        timedelta(days=1),
    )
    assert light_window(NOW).start == NOW - timedelta(hours=3)


HEAD = "Receipt No.,Completion Time,Details,Transaction Status,Paid In,Withdrawn,Balance,A/C No."
ROW = "SG632NMUAB,25-11-2026 12:00:00,Pay Bill,Completed,{},{},,RENT"


def test_a_portal_statement_is_read_by_its_column_names() -> None:
    lines = [
        "Account:,600000",
        HEAD + ",Linked Transaction ID",
        "",
        ROW.format('"1,000.50"', ""),
        ROW.format("", "-20").replace("Pay Bill", "Pay Bill Charge"),
        ROW.format("", "5").replace("Pay Bill", "Reversal") + ",SG632NMUAA",
        ROW.format("5", "").replace("Completed", "Failed"),
        ROW.format("", ""),
    ]
    rows = list(read_rows(lines))
    assert [(row.amount, row.is_charge, row.reverses) for row in rows] == [
        (1_000_50, False, None),
        (-20_00, True, None),
        (-5_00, False, "SG632NMUAA"),
    ]
    assert rows[0].completed_at == datetime(2026, 11, 25, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["nothing"], "no line names the columns"),
        ([HEAD, ROW.format("1.001", "")], "line 2: an amount has more than two places"),
        ([HEAD, ROW.format("x", "")], "an amount is none"),
        ([HEAD, ROW.format("inf", "")], "more than two places"),
        ([HEAD, ROW.format("1" * 16, "")], "an amount is too long"),
        ([HEAD, ROW.format("1", "").replace("25-11-2026", "yesterday")], "completion time"),
        ([HEAD, ROW.format("1", "").replace("SG632NMUAB", "=1+1")], "the receipt is none"),
    ],
)
def test_a_bad_portal_statement_names_line_and_problem(lines: list[str], problem: str) -> None:
    with pytest.raises(StatementError, match=problem):
        list(read_rows(lines))
