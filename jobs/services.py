"""What a task works with: settings, the ledger's database and Redis, opened once a process."""

from dataclasses import dataclass
from typing import Self

from redis import Redis

from jobs.clients.redis import connect
from jobs.settings import JobSettings
from ledger.db.engine import Database


@dataclass(frozen=True, slots=True)
class JobServices:
    """Handed to every task's ``run``; tests build it from their own parts."""

    settings: JobSettings
    database: Database
    redis: Redis

    @classmethod
    def open(cls, settings: JobSettings) -> Self:
        """Open the pools; a server that is down is found at the first use."""
        database = Database.from_settings(settings)
        return cls(settings, database, connect(settings.redis_url.get_secret_value()))

    def close(self) -> None:
        """Give every connection back."""
        self.database.close()
        self.redis.close()
