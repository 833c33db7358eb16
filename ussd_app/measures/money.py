"""Money: what is held where, payments by state and age, payout stops, mismatches, the last runs."""

from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client.core import GaugeMetricFamily, Metric

from ledger.core.context import Context
from ledger.db import accounts, console_figures
from ledger.db.engine import Database

_CONTEXT = Context.of_system("metrics")
_CENTS = 100


def measure(database: Database) -> Iterator[Metric]:
    """Yield the figures of the ledger, of M-Pesa and of reconciliation. Money is in shillings."""
    now = datetime.now(UTC)
    with database.transaction(_CONTEXT) as connection:
        held = {a.name: cents for a, cents in accounts.system_balances(connection).items()}
        held["WALLETS"] = accounts.wallets_total(connection)
        payments = console_figures.payments(connection)
        floats = console_figures.floats(connection)
        waiting = console_figures.callbacks(connection)
        mismatches = console_figures.mismatches(connection)
        runs = console_figures.last_runs(connection)
        pauses = console_figures.payout_pauses(connection)
    yield _gauge(
        "cycle_ledger_balance_kes",
        "What an account of the ledger holds, in shillings",
        ["account"],
        [([name], cents / _CENTS) for name, cents in held.items()],
    )
    yield _gauge(
        "cycle_payments",
        "Payments without a verdict, by kind and state",
        ["kind", "state"],
        [([row.kind, row.state], row.number) for row in payments],
    )
    yield _gauge(
        "cycle_payments_oldest_seconds",
        "Age of the oldest of them",
        ["kind", "state"],
        [([row.kind, row.state], (now - row.oldest).total_seconds()) for row in payments],
    )
    yield _gauge(
        "cycle_float_kes",
        "What M-Pesa held for us at the last reading, in shillings",
        ["shortcode", "account"],
        [([row.shortcode, row.account], row.cents / _CENTS) for row in floats],
    )
    yield _gauge(
        "cycle_callbacks",
        "Bodies of M-Pesa that wait or were set aside",
        ["state"],
        [([state], number) for state, number in waiting.items()],
    )
    yield _gauge(
        "cycle_reconciliation_pending",
        "Mismatches that wait for a decision",
        ["category"],
        [([category], number) for category, number in mismatches.items()],
    )
    yield _gauge(
        "cycle_reconciliation_last_run_age_seconds",
        "Since the last run that read everything ended",
        ["kind"],
        [([kind], (now - ended).total_seconds()) for kind, ended in runs.items()],
    )
    yield _gauge(
        "cycle_payouts_paused",
        "1 while payouts are stopped for a reason",
        ["reason"],
        [([reason], 1) for reason in pauses],
    )


def _gauge(
    name: str, words: str, labels: list[str], values: list[tuple[list[str], float]]
) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family
