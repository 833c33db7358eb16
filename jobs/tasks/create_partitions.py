"""Keep the months of postings to come ready."""

from jobs.services import JobServices
from ledger.commands import maintenance


def run(services: JobServices) -> None:
    """Keep the months of postings to come ready."""
    maintenance.create_partitions(services.database)
