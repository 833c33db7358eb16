"""Seal the audit rows that wait into the hash chain."""

from jobs.services import JobServices
from ledger.commands import maintenance


def run(services: JobServices) -> None:
    """Seal the audit rows that wait into the hash chain."""
    maintenance.seal_audit(services.database)
