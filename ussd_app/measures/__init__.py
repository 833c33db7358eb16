"""Figures that are read from PostgreSQL when /metrics is asked, one file a subject.

Each file defines ``measure(database)``, which yields metrics.
"""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from ledger.db.engine import Database


class _Measures(Collector):
    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        for module in pkgutil.iter_modules(__path__):
            yield from import_module(f"{__name__}.{module.name}").measure(self._database)


def measured(database: Database) -> CollectorRegistry:
    """Return the figures of now; raises what the database raises."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Measures(database))
    return registry
