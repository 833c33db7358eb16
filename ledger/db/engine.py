"""Connections to PostgreSQL: one pool, one way to open a transaction, bounded retries."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
import structlog
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from ledger.core.context import Context
from ledger.core.refusals import Refusal
from ledger.db.together import GroupError, Question, Together
from ledger.pin_hashing import PinHasher
from ledger.settings import LedgerSettings

_log = structlog.get_logger(__name__)

Result = TypeVar("Result")
Connection = psycopg.Connection[DictRow]

ATTEMPTS_MAX = 5
_BACKOFF_SECONDS = 0.02
_SESSION = (
    "-c role=cycle_app -c timezone=UTC -c statement_timeout=10000 -c lock_timeout=5000"
    " -c idle_in_transaction_session_timeout=15000 -c plan_cache_mode=force_generic_plan"
)
_LOST_RACES = frozenset(
    {
        "40P01",  # deadlock detected
        "40001",  # serialization failure
    }
)
_RETRIED_STATES = _LOST_RACES | frozenset(
    {
        "57P01",  # the server is shutting down
        "57P02",  # another backend crashed
        "57P03",  # the server is starting
        "08000",  # connection exceptions
        "08003",
        "08006",
    }
)


@contextmanager
def _isolated(connection: Connection, isolation: psycopg.IsolationLevel | None) -> Iterator[None]:
    connection.isolation_level = isolation
    try:
        with connection.transaction():
            yield
    finally:
        if isolation is not None:
            connection.isolation_level = None


def _is_unreachable(error: BaseException | None) -> bool:
    """Tell that nobody would get an answer now; a deadlock concerns its own group only."""
    return isinstance(error, PoolTimeout) or (
        isinstance(error, psycopg.OperationalError)
        and error.sqlstate not in _LOST_RACES
        and _worth_retrying(error)
    )


def _worth_retrying(error: psycopg.OperationalError) -> bool:
    """Tell a passing fault, or a connection lost without a word, from a time that ran out."""
    if isinstance(error, PoolTimeout):
        return False
    return error.sqlstate is None or error.sqlstate in _RETRIED_STATES


class Database:
    """The application's door to PostgreSQL: every connection acts as ``cycle_app``.

    Row-level security applies to that role whatever login the URL names.
    """

    def __init__(
        self, url: str, *, pin_pepper: str, pool_max: int = 20, pool_timeout_seconds: float = 3.0
    ) -> None:
        self.pin_hasher = PinHasher(pin_pepper)
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            connection_class=psycopg.Connection[DictRow],
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "options": _SESSION,
                "connect_timeout": 5,
                # A connection that a firewall dropped without a word ends here, not in minutes.
                "keepalives_idle": 30,
                "tcp_user_timeout": 10_000,
                "prepare_threshold": 1,
            },
            min_size=1,
            max_size=pool_max,
            timeout=pool_timeout_seconds,
            max_idle=300.0,
            open=False,
        )
        self._groups: dict[object, Together[Any, Any]] = {}

    @classmethod
    def from_settings(cls, settings: LedgerSettings) -> "Database":
        """Build and open the database that the settings name."""
        database = cls(
            settings.database_url.get_secret_value(),
            pin_pepper=settings.pin_pepper.get_secret_value(),
            pool_max=settings.database_pool_max,
        )
        database.open()
        return database

    def open(self) -> None:
        """Start the pool; a server that is down is found at the first use, not here."""
        self._pool.open(wait=False)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def pool_stats(self) -> dict[str, int]:
        """Return the pool's own counters, for metrics."""
        return dict(self._pool.get_stats())

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection in autocommit mode, without any context: it sees no user's rows."""
        with self._pool.connection() as connection:
            yield connection

    @contextmanager
    def transaction(
        self, context: Context, *, isolation: psycopg.IsolationLevel | None = None
    ) -> Iterator[Connection]:
        """Open a transaction in which row-level security and the audit log know who acts.

        The context is local to the transaction, so a pooled connection can't carry it on.
        """
        with self._pool.connection() as connection, _isolated(connection, isolation):
            connection.execute(
                "SELECT set_config('cycle.actor', %s, true), set_config('cycle.channel', %s, true),"
                " set_config('cycle.user_id', %s, true)",
                (context.actor, context.channel, str(context.user_id or "")),
            )
            yield connection

    @contextmanager
    def snapshot(self, context: Context) -> Iterator[Connection]:
        """Open a read-only transaction whose every query sees the ledger at one moment.

        For statements and reports: they may take a minute and hold no lock meanwhile.
        """
        with self.transaction(context, isolation=psycopg.IsolationLevel.REPEATABLE_READ) as found:
            found.execute("SET TRANSACTION READ ONLY")
            found.execute("SET LOCAL statement_timeout = '60s'")
            found.execute("SET LOCAL idle_in_transaction_session_timeout = '120s'")
            yield found

    def run(self, context: Context, work: Callable[[Connection], Result]) -> Result:
        """Do work in one transaction and commit, or undo all of it when it answers a refusal.

        Deadlock, serialization failure and a lost connection are tried again, a bounded number
        of times. Work that posts must carry an idempotency key: a connection lost
        at COMMIT may have committed, and only the key tells.
        """
        return self._retried(lambda: self._run_once(context, work))

    def call(self, work: Callable[[Connection], Result]) -> Result:
        """Do work whose statements are each a transaction of its own, with the retries of ``run``.

        At most one of them may write: nothing is undone when a later one fails.
        """
        return self._retried(lambda: self._call_once(work))

    def together(
        self,
        work: Callable[[Connection, list[Question]], Sequence[Result | None]],
        question: Question,
        alone: Callable[[Connection], Result],
    ) -> Result:
        """Do work at once for all threads that ask for it now, with the retries of ``call``.

        ``work`` must answer a repeated question rightly: it is tried again like any other. What it
        leaves unanswered, and what others of the group made fail, is done ``alone``.
        """
        group = self._groups.get(work)
        if group is None:
            ask: Together[Question, Result | None] = Together(
                lambda questions: self.call(lambda connection: work(connection, questions))
            )
            group = self._groups.setdefault(work, ask)
        try:
            answer: Result | None = group.ask(question)
        except (psycopg.Error, GroupError) as error:
            cause = error.__cause__ if isinstance(error, GroupError) else error
            if _is_unreachable(cause):
                raise psycopg.OperationalError(str(cause)) from cause
            _log.warning("group_failed", work=work.__name__, error=type(cause).__name__)
            answer = None
        return self.call(alone) if answer is None else answer

    def _run_once(self, context: Context, work: Callable[[Connection], Result]) -> Result:
        with self.transaction(context) as connection:
            answer = work(connection)
            if isinstance(answer, Refusal):
                raise psycopg.Rollback
        return answer

    def _call_once(self, work: Callable[[Connection], Result]) -> Result:
        with self._pool.connection() as connection:
            return work(connection)

    @staticmethod
    def _retried(attempt: Callable[[], Result]) -> Result:
        for number in range(1, ATTEMPTS_MAX + 1):
            try:
                return attempt()
            except psycopg.OperationalError as error:
                if number == ATTEMPTS_MAX or not _worth_retrying(error):
                    raise
                time.sleep(_BACKOFF_SECONDS * 2**number)
        raise AssertionError("unreachable")
