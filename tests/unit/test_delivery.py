"""What the outbox decides after one try."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.clients.africastalking import Outcome
from jobs.delivery import (
    ATTEMPTS_MAX,
    PauseReason,
    Result,
    pause_reason,
    pause_seconds,
    settle,
)
from ledger.db.outbox_sending import Due

NOT_THEIR_FAULT = (Outcome.NOT_SENT, Outcome.NO_CREDIT, Outcome.ON_HOLD)


def due(attempts: int) -> Due:
    return Due(
        id=1,
        user_id=None,
        recipient="+254712345678",
        template="welcome",
        language="en",
        params={},
        attempts=attempts,
        opted_out=False,
        created_at=datetime.now(UTC),
    )


outcomes = st.sampled_from(list(Outcome))


@given(st.integers(1, 50), outcomes)
def test_a_row_waits_or_ends_and_never_both(attempts: int, outcome: Outcome) -> None:
    tried = settle(due(attempts), Result(outcome, "reason"))
    assert tried.attempts == attempts
    assert (tried.state == "queued") == (tried.wait_seconds is not None)
    assert (tried.state == "sent") == (outcome is Outcome.ACCEPTED)
    assert tried.state in ("queued", "sent", "failed", "opted_out")


@given(st.integers(1, 50), st.sampled_from(NOT_THEIR_FAULT))
def test_what_was_surely_not_sent_costs_no_try(attempts: int, outcome: Outcome) -> None:
    tried = settle(due(attempts), Result(outcome, "reason"))
    assert (tried.state, tried.tries_given_back, tried.wait_seconds) == ("queued", 1, 0.0)


@given(st.lists(st.sampled_from([Outcome.TRY_LATER, Outcome.UNKNOWN]), min_size=ATTEMPTS_MAX))
def test_a_row_that_never_gets_through_ends_after_its_tries(course: list[Outcome]) -> None:
    waits: list[float] = []
    for attempt, outcome in enumerate(course, start=1):
        tried = settle(due(attempt), Result(outcome, "reason"))
        if tried.state == "failed":
            break
        assert tried.wait_seconds is not None
        waits.append(tried.wait_seconds)
    assert attempt == ATTEMPTS_MAX
    assert waits == sorted(waits)
    assert sum(waits) > 4 * 3600


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_trouble_of_the_provider_pauses_the_channel(outcome: Outcome) -> None:
    pausing = {*NOT_THEIR_FAULT, Outcome.UNKNOWN}
    assert (pause_reason(outcome) is not None) == (outcome in pausing)


@given(st.integers(0, 10_000))
def test_an_outage_is_probed_at_least_once_a_minute(failures: int) -> None:
    assert 5 <= pause_seconds(PauseReason.UNREACHABLE, failures) <= 60
    assert pause_seconds(PauseReason.NO_CREDIT, failures) == 300
