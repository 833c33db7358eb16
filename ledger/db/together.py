"""What threads ask the database at the same moment, answered together by one of them."""

import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

GROUP_MAX = 64
_TURNS_GIVEN = 3

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class GroupError(Exception):
    """The thread that worked for this one failed, by the cause."""


class _Asked(Generic[Question, Answer]):
    __slots__ = ("answer", "error", "is_answered", "question", "turn")
    answer: Answer

    def __init__(self, question: Question) -> None:
        self.question = question
        self.error: BaseException | None = None
        self.is_answered = False
        self.turn = Lock()
        self.turn.acquire()


class Together(Generic[Question, Answer]):
    """Hands the questions of threads to ``work``, a group at a time.

    Who asks while nobody works does the work, also for those who ask at that moment; who asks
    meanwhile waits for the next group, which one of the waiting then works for. So groups grow
    with the load, and nobody waits for one to fill. ``work`` returns an answer for each question
    in order, or raises: in the thread that works, and as a GroupError in the others.
    """

    def __init__(self, work: Callable[[list[Question]], Sequence[Answer]]) -> None:
        self._work = work
        self._lock = Lock()
        self._waiting: list[_Asked[Question, Answer]] = []
        self._is_working = False

    def ask(self, question: Question) -> Answer:
        """Return the answer to one question, or raise what its group failed by, or GroupError."""
        asked: _Asked[Question, Answer] = _Asked(question)
        with self._lock:
            works = not self._is_working
            self._is_working = True
            if not works:
                self._waiting.append(asked)
        if not works:
            asked.turn.acquire()  # until another thread has the answer, or hands the work over
            works = not asked.is_answered
        if works:
            self._answer_group(asked)
        if asked.error is not None:
            raise asked.error
        return asked.answer

    def _answer_group(self, first: _Asked[Question, Answer]) -> None:
        group = [first]
        try:
            # Whoever was answered just now often asks again at once, and may come along.
            for _ in range(_TURNS_GIVEN):
                time.sleep(0)
            with self._lock:
                group += self._waiting[: GROUP_MAX - 1]
                del self._waiting[: GROUP_MAX - 1]
            answers = self._work([asked.question for asked in group])
            for asked, answer in zip(group, answers, strict=True):
                asked.answer = answer
        except BaseException as error:
            for asked in group:
                asked.error = GroupError()
                asked.error.__cause__ = error
            first.error = error
        for asked in group:
            asked.is_answered = True
            asked.turn.release()
        with self._lock:
            successor = self._waiting.pop(0) if self._waiting else None
            self._is_working = successor is not None
        if successor is not None:
            successor.turn.release()
