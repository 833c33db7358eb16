"""What threads ask the database at the same moment, answered together by one of them."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

GROUP_MAX = 64

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class _InterruptedError(Exception):
    """The thread that worked for this one was told to stop."""


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

    Whoever asks while nobody works takes all that wait and answers for them; who asks meanwhile
    waits for the next group. So nobody is delayed to fill a group, and groups grow with the load.
    ``work`` returns an answer for each question in order, or raises what all of the group then
    raise.
    """

    def __init__(self, work: Callable[[list[Question]], Sequence[Answer]]) -> None:
        self._work = work
        self._lock = Lock()
        self._waiting: list[_Asked[Question, Answer]] = []
        self._is_working = False

    def ask(self, question: Question) -> Answer:
        """Return the answer to one question, or raise what its group failed by."""
        asked: _Asked[Question, Answer] = _Asked(question)
        with self._lock:
            self._waiting.append(asked)
            works = not self._is_working
            self._is_working = True
        if not works:
            asked.turn.acquire()  # until another thread has the answer, or hands the work over
            works = not asked.is_answered
        if works:
            self._answer_group()
        if asked.error is not None:
            raise asked.error
        return asked.answer

    def _answer_group(self) -> None:
        with self._lock:
            group = self._waiting[:GROUP_MAX]
            del self._waiting[:GROUP_MAX]
        try:
            answers = self._work([asked.question for asked in group])
            for asked, answer in zip(group, answers, strict=True):
                asked.answer = answer
        except BaseException as error:
            for asked in group:
                asked.error = error if isinstance(error, Exception) else _InterruptedError()
            group[0].error = error  # its own thread works for the others
        with self._lock:
            successor = self._waiting[0] if self._waiting else None
            self._is_working = successor is not None
        if successor is not None:
            successor.turn.release()
        for asked in group:
            asked.is_answered = True
            asked.turn.release()
