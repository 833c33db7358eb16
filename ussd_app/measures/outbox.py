"""Outgoing messages: queues, ages, pauses, what became of the last day's, and their cost."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from ledger.core.context import Context
from ledger.db import outbox, outbox_support
from ledger.db.engine import Database

_CONTEXT = Context.of_system("metrics")
_STATES = ("queued", "sending", "sent", "delivered", "failed", "opted_out")


def measure(database: Database) -> Iterator[Metric]:
    """Yield the figures of each channel."""
    outbox.fill(database)
    with database.transaction(_CONTEXT) as connection:
        channels = outbox_support.figures(connection)
    waiting = GaugeMetricFamily(
        "cycle_outbox_waiting", "Messages that are due and not sent", labels=["channel"]
    )
    oldest = GaugeMetricFamily(
        "cycle_outbox_oldest_seconds", "Age of the oldest of them", labels=["channel"]
    )
    paused = GaugeMetricFamily(
        "cycle_outbox_paused", "1 while a channel is stopped", labels=["channel", "reason"]
    )
    states = GaugeMetricFamily(
        "cycle_outbox_last_day",
        "Messages made in the last day by state",
        labels=["channel", "state"],
    )
    cost = GaugeMetricFamily(
        "cycle_outbox_last_day_cost_kes", "What they cost, in shillings", labels=["channel"]
    )
    for each in channels:
        waiting.add_metric([each.channel], each.waiting)
        oldest.add_metric([each.channel], each.oldest_seconds)
        paused.add_metric([each.channel, each.paused_reason or ""], float(bool(each.paused_reason)))
        for state in _STATES:
            states.add_metric([each.channel, state], each.states_of_day.get(state, 0))
        cost.add_metric([each.channel], float(each.cost_of_day))
    yield from (waiting, oldest, paused, states, cost)
