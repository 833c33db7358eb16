"""Turns: a task with much to do lets the other tasks of its worker work, too."""

from time import monotonic


class Turn:
    """A span of time that began when it was made. Who still has work when it ends rings again."""

    def __init__(self, seconds: float = 5.0) -> None:
        self._end = monotonic() + seconds

    def is_over(self) -> bool:
        """Tell whether others are due."""
        return monotonic() >= self._end
