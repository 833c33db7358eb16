"""The clock: what is due when, and one leader at a time."""

from types import MappingProxyType

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.cron import Clock
from jobs.queue import Task
from ledger.db.leader import Leadership
from standin.processes import free_port


def test_everything_is_due_at_the_start_and_then_by_its_interval() -> None:
    clock = Clock(MappingProxyType({Task.SEND_SMS: 2.0, Task.QUERY_PAYMENTS: 10.0}))

    assert clock.due(100.0) == [Task.SEND_SMS, Task.QUERY_PAYMENTS]
    assert clock.due(101.9) == []
    assert clock.due(102.0) == [Task.SEND_SMS]
    assert clock.due(110.0) == [Task.SEND_SMS, Task.QUERY_PAYMENTS]


@given(st.lists(st.floats(0.1, 5), min_size=1, max_size=50))
def test_no_interval_is_longer_than_promised_while_the_clock_ticks(steps: list[float]) -> None:
    clock = Clock(MappingProxyType({Task.SEND_SMS: 2.0}))
    now, last = 0.0, None
    for step in steps:
        if clock.due(now):
            assert last is None or now - last >= 2.0 - 1e-6  # sums of floats
            last = now
        assert last is not None
        assert now - last < 2.0
        now += step


def test_one_leads_and_the_next_takes_over(database_owner_url: str) -> None:
    with Leadership(database_owner_url) as first, Leadership(database_owner_url) as second:
        assert first.held()
        assert not second.held()
        assert first.held()

        first.close()

        assert second.held()
        assert not first.held()


def test_leader_whose_connection_was_cut_does_not_lead(database_owner_url: str) -> None:
    with Leadership(database_owner_url) as first, Leadership(database_owner_url) as second:
        assert first.held()
        with psycopg.connect(database_owner_url, autocommit=True) as owner:
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks"
                " WHERE locktype = 'advisory' AND database ="
                " (SELECT oid FROM pg_database WHERE datname = current_database())"
            )

        assert second.held()
        with pytest.raises(psycopg.Error):
            first.held()
        assert not first.held()


def test_nobody_leads_without_postgresql() -> None:
    lost = Leadership(f"postgresql://x@127.0.0.1:{free_port()}/x")

    with pytest.raises(psycopg.Error):
        lost.held()
