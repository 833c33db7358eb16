"""Where documents are written to."""

from typing import Protocol


class Sink(Protocol):
    """Takes bytes in order: a file, a buffer, or something that passes them on."""

    def write(self, content: bytes | bytearray, /) -> int:
        """Take some bytes and return how many."""
