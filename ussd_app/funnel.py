"""Where sessions go and where they stop: figures by screen, network and language, nobody's data.

Counted in Redis with each hop's own round trip, a hash a Nairobi day, kept for 35 days. They may
be lost with Redis.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING

from ledger.core.rules import nairobi_day

if TYPE_CHECKING:
    from redis import Redis

FUNNEL_KEPT_SECONDS = 35 * 86_400
TIMEOUT_SECONDS = 25
"""Operators give up after 30 s without an answer (facts 1.3): a longer silence was a timeout."""

NETWORKS = {
    "63902": "safaricom",
    "63903": "airtel",
    "63907": "telkom",
    "63999": "equitel",
    "99999": "sandbox",
}


class Figure(StrEnum):
    """What is counted of a screen."""

    ENTRIES = "entries"
    ANSWERS = "answers"
    INVALID = "invalid"
    ENDS = "ends"
    HANG_UPS = "hang_ups"
    TIMEOUTS = "timeouts"
    FAILURES = "failures"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Place:
    """One row of the funnel."""

    screen: str
    network: str
    language: str

    @classmethod
    def of_hop(cls, screen: str, network_code: str, language: str) -> "Place":
        """Return the row of a screen; unknown networks share one."""
        return cls(screen, network_of(network_code), language)

    def counts(self, figure: Figure) -> str:
        """Return the field under which a figure of this row is counted."""
        return f"{self.screen}|{self.network}|{self.language}|{figure.value}"


def label_of(screen: str, language: str) -> str:
    """Return a hop's label for the gateway: it comes back in the end-of-session event."""
    return f"{screen}/{language}"


def network_of(network_code: str) -> str:
    """Return an operator's name; unknown networks share one."""
    return NETWORKS.get(network_code, "other")


def place_of_event(hops_metadata: str, network_code: str) -> Place | None:
    """Return the last screen that an event names, or None when there is none."""
    label = _read_label(hops_metadata.rsplit("|", 1)[-1])
    return None if label is None else Place.of_hop(label[0], network_code, label[1])


def screens_of_event(hops_metadata: str) -> tuple[str, ...]:
    """Return the screens that an event names in order, each once while it stayed."""
    labels = [label for part in hops_metadata.split("|") if (label := _read_label(part))]
    return tuple(screen for screen, _ in groupby(screen for screen, _ in labels))


def _read_label(text: str) -> tuple[str, str] | None:
    screen, slash, language = text.strip().partition("/")
    if not slash or not screen.isidentifier() or language not in ("en", "sw"):
        return None
    return screen, language


def day_key(day: date | None = None) -> str:
    """Return where a Nairobi day is counted; today's by default."""
    return f"cycle:ussd-funnel:{day or nairobi_day(datetime.now(UTC))}"


def add(redis: "Redis", place: Place, figure: Figure) -> None:
    """Count one event outside a hop."""
    redis.hincrby(day_key(), place.counts(figure), 1)
    redis.expire(day_key(), FUNNEL_KEPT_SECONDS)


Funnel = dict[Place, dict[Figure, int]]


def read(redis: "Redis", days: int) -> Funnel:
    """Return the figures of the last days together, today included."""
    today = nairobi_day(datetime.now(UTC))
    found: Funnel = {}
    for back in range(days):
        counted = redis.hgetall(day_key(today - timedelta(days=back)))
        for place, figure, number in _decoded(counted.items()):
            row = found.setdefault(place, {})
            row[figure] = row.get(figure, 0) + number
    return found


def _decoded(
    items: Iterable[tuple[bytes | str, bytes | str]],
) -> Iterable[tuple[Place, Figure, int]]:
    for name, number in items:
        written = name.decode() if isinstance(name, bytes) else name
        screen, network, language, figure = written.split("|")
        yield Place(screen, network, language), Figure(figure), int(number)
