"""Questions asked at once are answered together, each by its own answer."""

import asyncio
from typing import Any

import pytest

from jobs.batches import BATCH_MAX, Batches


def test_what_is_asked_at_once_is_one_batch_and_each_gets_its_own_answer() -> None:
    worked: list[list[int]] = []

    async def work(questions: list[int]) -> list[int]:
        worked.append(questions)
        return [10 * question for question in questions]

    async def ask() -> list[int]:
        batches = Batches(work)
        return await asyncio.gather(*(batches.ask(number) for number in range(BATCH_MAX + 5)))

    assert asyncio.run(ask()) == [10 * number for number in range(BATCH_MAX + 5)]
    assert [len(batch) for batch in worked] == [BATCH_MAX, 5]


def test_a_failed_question_fails_alone_and_failed_work_fails_its_batch_only() -> None:
    async def work(questions: list[str]) -> list[str | Exception]:
        if "lost" in questions:
            raise ConnectionError("all of it")
        return [ValueError("odd") if question == "odd" else question for question in questions]

    async def ask() -> list[Any]:
        batches = Batches(work)
        answers = []
        for batch in (("one", "odd", "two"), ("lost", "with it"), ("after",)):
            asked = [batches.ask(question) for question in batch]
            answers += await asyncio.gather(*asked, return_exceptions=True)
        return answers

    one, odd, two, lost, with_it, after = asyncio.run(ask())
    assert (one, two, after) == ("one", "two", "after")
    assert isinstance(odd, ValueError)
    assert isinstance(lost, ConnectionError)
    assert isinstance(with_it, ConnectionError)


def test_whoever_gave_up_before_the_turn_came_is_left_out() -> None:
    worked: list[list[str]] = []

    async def ask() -> None:
        begun, goes_on = asyncio.Event(), asyncio.Event()

        async def work(questions: list[str]) -> list[str]:
            worked.append(questions)
            begun.set()
            await goes_on.wait()
            return questions

        batches = Batches(work)
        first = asyncio.create_task(batches.ask("first"))
        await begun.wait()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await batches.ask("given up")
        last = asyncio.create_task(batches.ask("last"))
        goes_on.set()
        assert await asyncio.gather(first, last) == ["first", "last"]

    asyncio.run(ask())
    assert worked == [["first"], ["last"]]
