"""What coroutines ask for at once, done together: one write or one statement for all of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

BATCH_MAX = 100

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Batches(Generic[Asked, Answer]):
    """Hands questions of one event loop to ``work``, a batch at a time and in order.

    ``work`` returns an answer for each question, an exception for one that failed alone, or
    raises what all of the batch then raise. Whoever gave up before the turn came is left out.
    """

    def __init__(
        self, work: Callable[[list[Asked]], Awaitable[Sequence[Answer | Exception]]]
    ) -> None:
        self._work = work
        self._waiting: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._working: asyncio.Task[None] | None = None

    async def ask(self, question: Asked) -> Answer:
        """Return the answer to one question, or raise what it failed by."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, answer))
        if self._working is None:
            self._working = asyncio.create_task(self._work_all())
        return await answer

    async def _work_all(self) -> None:
        try:
            while self._waiting:
                asked = self._waiting[:BATCH_MAX]
                del self._waiting[:BATCH_MAX]
                batch = [(question, answer) for question, answer in asked if not answer.done()]
                found: Sequence[Answer | Exception]
                try:
                    found = await self._work([question for question, _ in batch])
                except Exception as error:
                    found = [error] * len(batch)
                for (_, answer), one in zip(batch, found, strict=True):
                    _settle(answer, one)
        finally:
            self._working = None


def _settle(answer: "asyncio.Future[Answer]", found: Answer | Exception) -> None:
    if answer.done():
        return
    if isinstance(found, Exception):
        answer.set_exception(found)
    else:
        answer.set_result(found)
