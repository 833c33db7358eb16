"""Leadership among processes: one holds a lock of a PostgreSQL session, others wait for it."""

from types import TracebackType
from typing import Self

import psycopg

_LOCK_KEY = 0x43594343  # "CYCC": any number that nothing else in this database locks
_TIMEOUT_MILLISECONDS = 2000


class Leadership:
    """A claim to be the one scheduler. It is lost with its connection, so it can't be stale."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection | None = None

    def held(self) -> bool:
        """Tell whether this process leads now; take the lead when it is free.

        Raises psycopg.Error when the server can't be asked: then nobody leads.
        """
        try:
            if self._connection is not None:
                self._connection.execute("SELECT 1")
                return True
            return self._claim()
        except psycopg.Error:
            self.close()
            raise

    def _claim(self) -> bool:
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=3,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=2,
            options=f"-c statement_timeout={_TIMEOUT_MILLISECONDS}",
        )
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK_KEY,)).fetchone()
        if row is None or not row[0]:
            connection.close()
            return False
        self._connection = connection
        return True

    def close(self) -> None:
        """Let another process lead."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
