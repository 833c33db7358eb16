"""One `cycle up` for the stories that break nothing of it; put them in the group "story"."""

from collections.abc import Iterator

import pytest

from tests.e2e.stack import Running, running


@pytest.fixture(scope="session")
def up() -> Iterator[Running]:
    """A running Cycle, shared: use phones of your own."""
    with running() as started:
        yield started
