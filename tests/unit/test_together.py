"""Questions that threads ask at once are answered by one of them, each by its own answer."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from ledger.db.together import GROUP_MAX, GroupError, Together
from tests.e2e.stack import wait_until

Work = Callable[[list[int]], list[int]]


class Gated:
    """Work whose first group waits until it is let go, so that others ask meanwhile."""

    def __init__(self, work: Work) -> None:
        self.groups: list[list[int]] = []
        self.entered = threading.Event()
        self.gate = threading.Event()
        self._work = work
        self.together: Together[int, int] = Together(self)

    def __call__(self, questions: list[int]) -> list[int]:
        self.groups.append(questions)
        self.entered.set()
        assert self.gate.wait(10)
        return self._work(questions)

    def ask(self, pool: ThreadPoolExecutor, count: int) -> list[Future[int]]:
        """Let one ask, all others while it works, then let it go."""
        first = pool.submit(self.together.ask, 0)
        assert self.entered.wait(10)
        rest = [pool.submit(self.together.ask, number) for number in range(1, count)]
        wait_until(lambda: len(self.together._waiting) == count - 1)
        self.gate.set()
        return [first, *rest]


def test_who_asks_meanwhile_travels_together_next_and_each_gets_its_own_answer() -> None:
    gated = Gated(lambda questions: [10 * question for question in questions])
    count = GROUP_MAX + 6
    with ThreadPoolExecutor(count) as pool:
        answers = [asked.result(10) for asked in gated.ask(pool, count)]
    assert answers == [10 * number for number in range(count)]
    assert [len(group) for group in gated.groups] == [1, GROUP_MAX, 5]


def test_a_failed_group_fails_alone_and_all_of_it() -> None:
    def work(questions: list[int]) -> list[int]:
        if 2 in questions:
            raise ConnectionError("all of it")
        return questions

    gated = Gated(work)
    with ThreadPoolExecutor(4) as pool:
        first, *rest = gated.ask(pool, 4)
        assert first.result(10) == 0
        errors = [asked.exception(10) for asked in rest]
        assert [type(error) for error in errors].count(ConnectionError) == 1
        for error in errors:
            if not isinstance(error, ConnectionError):
                assert isinstance(error, GroupError)
                assert isinstance(error.__cause__, ConnectionError)
        assert pool.submit(gated.together.ask, 5).result(10) == 5


def test_a_worker_that_is_told_to_stop_stops_alone() -> None:
    def work(questions: list[int]) -> list[int]:
        if questions[0] != 0 and len(questions) > 1:
            raise KeyboardInterrupt
        return questions

    gated = Gated(work)
    with ThreadPoolExecutor(4) as pool:
        errors = [type(asked.exception(10)) for asked in gated.ask(pool, 4)]
        assert pool.submit(gated.together.ask, 9).result(10) == 9
    assert errors[0] is type(None)
    assert sorted(errors[1:], key=str) == [KeyboardInterrupt, GroupError, GroupError]


def test_too_few_answers_are_an_error_and_nobody_waits_for_ever() -> None:
    together: Together[int, int] = Together(lambda questions: [])
    with pytest.raises(ValueError, match="zip"):
        together.ask(1)
