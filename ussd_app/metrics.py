"""Figures for Prometheus that the web processes count themselves.

Lengths and ages of queues are read from PostgreSQL when /metrics is asked, so that they
are right with any number of processes. With several web processes on one machine,
PROMETHEUS_MULTIPROC_DIR names the folder in which they add up.
"""

from prometheus_client import REGISTRY, CollectorRegistry, Gauge, Histogram, values
from prometheus_client.multiprocess import MultiProcessCollector
from redis import Redis

from ussd_app import funnel

REQUEST_SECONDS = Histogram(
    "cycle_request_seconds",
    "Time from a request's first line to its answer",
    ["route", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4),
)


def scrape_registry() -> CollectorRegistry:
    """Return what /metrics shows: this process, or all that share the metrics folder."""
    if not _adds_up():
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def funnel_registry(redis: Redis) -> CollectorRegistry:
    """Return today's figures of the USSD funnel: all web processes count them in Redis."""
    registry = CollectorRegistry()
    gauge = Gauge(
        "cycle_ussd_screen_today",
        "Today's entries, answers, wrong inputs, ends and seconds of a USSD screen",
        ["screen", "network", "language", "figure"],
        registry=registry,
    )
    for place, figures in funnel.read(redis, days=1).items():
        for figure, number in figures.items():
            gauge.labels(place.screen, place.network, place.language, figure.value).set(number)
    return registry


def _adds_up() -> bool:
    return values.ValueClass is not values.MutexValue
