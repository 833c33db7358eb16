"""What every channel shares: settings, the ledger's database and Redis."""

from dataclasses import dataclass
from typing import Self, cast

from flask import current_app
from redis import Redis

from jobs.clients.redis import connect
from ledger.db.engine import Database
from ussd_app.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """Attached to the Flask app; opened once a process, safe to share between threads."""

    settings: Settings
    database: Database
    redis: Redis

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open the pools; a server that is down is found at the first use, not here."""
        database = Database.from_settings(settings)
        return cls(settings, database, connect(settings.redis_url.get_secret_value()))

    def close(self) -> None:
        """Give every connection back."""
        self.database.close()
        self.redis.close()


def services() -> Services:
    """Return the services of the app that handles the current request."""
    return cast(Services, current_app.extensions["cycle"])
