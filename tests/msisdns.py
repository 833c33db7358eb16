"""Phone numbers for tests: each is used once, and none makes a test's PIN too weak."""

from itertools import count
from uuid import uuid4

_PINS = ("4826", "8317", "9071")
_numbers = count(uuid4().int % 30_000_000)


def new_msisdn() -> str:
    """Return a Safaricom number that no other test of this process uses.

    No PIN of a test stands in it: four digits in a row of one's own number are refused.
    """
    while True:
        msisdn = f"+2547{next(_numbers) % 30_000_000:08d}"
        if not any(pin in msisdn for pin in _PINS):
            return msisdn
