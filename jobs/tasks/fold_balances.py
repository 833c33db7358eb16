"""Fold the deltas of system accounts into their checkpoints."""

from jobs.services import JobServices
from ledger.commands import maintenance


def run(services: JobServices) -> None:
    """Fold the deltas of system accounts into their checkpoints."""
    maintenance.fold_balances(services.database)
