"""What every channel shares: settings, the ledger's database and Redis."""

from dataclasses import dataclass, field
from typing import Self, cast

from redis import Redis

from jobs.clients.redis import Pipeline, connect
from ledger.db.engine import Database
from ussd_app.sessions import Sessions
from ussd_app.settings import Settings

SESSION_ANSWER_SECONDS = 0.6
"""What one try may take of a hop's time; there are two, before its effects and again after them."""


@dataclass(frozen=True, slots=True)
class Services:
    """Attached to the Flask app; opened once a process, safe to share between threads.

    ``pipeline`` and what of ``sessions`` is a coroutine belong to the event loop.
    """

    settings: Settings
    database: Database
    redis: Redis
    pipeline: Pipeline = field(init=False)
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        url = self.settings.redis_url.get_secret_value()
        pipeline = Pipeline(url, answer_seconds=SESSION_ANSWER_SECONDS)
        sessions = Sessions(self.redis, pipeline, self.settings.secret_key.get_secret_value())
        object.__setattr__(self, "pipeline", pipeline)
        object.__setattr__(self, "sessions", sessions)

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open the pools; a server that is down is found at the first use, not here."""
        database = Database.from_settings(settings)
        return cls(settings, database, connect(settings.redis_url.get_secret_value()))

    def close(self) -> None:
        """Give every connection back but the event loop's, ``pipeline``."""
        self.database.close()
        self.redis.close()


def services() -> Services:
    """Return the services of the app that handles the current request."""
    from flask import current_app  # the worker, which uses what channels share, needs no Flask

    return cast(Services, current_app.extensions["cycle"])
