"""Two `cycle up`, each for a group of tests, as starting one takes five seconds of CPU.

"story" is for stories that break nothing; "outages" for those that stop servers for a while.
A test marked ``ends_up`` is the last of its group: it ends the `cycle up` itself.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.stack import Running, running


@pytest.fixture(scope="package")
def up() -> Iterator[Running]:
    """A running Cycle, shared: use phones of your own."""
    with running() as started:
        yield started


@pytest.fixture(scope="package")
def troubled_up() -> Iterator[Running]:
    """A running Cycle whose servers and providers fail in turn: leave it well."""
    with running() as started:
        yield started
