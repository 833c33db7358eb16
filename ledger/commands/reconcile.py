"""Reconciliation: ask for a run, do it, and store what it found."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import structlog

from ledger.core.context import Context
from ledger.core.plans import Message
from ledger.core.reconciliation import (
    Category,
    RunKind,
    RunState,
    Window,
    final_state,
    window_of_day,
)
from ledger.core.rules import nairobi_day
from ledger.db import matching, mpesa_records, outbox, reconciliation
from ledger.db.engine import Connection, Database
from ledger.db.mpesa_records import MpesaRecord
from ledger.db.reconciliation import Run
from ledger.queries.verify import verify_ledger

SYSTEM = Context.of_system("reconcile")
# A callback may be stored a little after what it tells.
_GATHER_MARGIN = timedelta(hours=6)
_REPORT = "reconciliation_report"
_log = structlog.get_logger(__name__)


def request(
    database: Database, context: Context, kind: RunKind, window: Window | None = None
) -> int:
    """Ask for a run; returns its id. A worker, or the caller, does it with ``perform``."""
    start, end = (window.start, window.end) if window else (None, None)
    return database.run(
        context,
        lambda connection: reconciliation.request_run(connection, kind, start, end, context.actor),
    )


def request_once(database: Database, kind: RunKind, window: Window) -> int | None:
    """Ask for a scheduled run unless there is one for the same window."""

    def work(connection: Connection) -> int | None:
        if reconciliation.has_run(connection, kind, window.end, SYSTEM.actor):
            return None
        return reconciliation.request_run(connection, kind, window.start, window.end, SYSTEM.actor)

    return database.run(SYSTEM, work)


def waiting(database: Database) -> list[int]:
    """Return the runs that nobody has begun, or whose worker died."""
    return database.run(SYSTEM, reconciliation.requested_runs)


def add_records(database: Database, source: str, records: Iterable[MpesaRecord]) -> int:
    """Keep what M-Pesa told on our asking; returns how many facts are new."""
    return database.run(SYSTEM, lambda connection: mpesa_records.load(connection, source, records))


def perform(
    database: Database,
    run_id: int,
    *,
    sources: dict[str, str] | None = None,
    report_to: tuple[str, ...] = (),
) -> Run:
    """Do a requested run and return it. ``sources`` adds what the caller asked by itself.

    A repeated run finds the same items and adds none. Who is to be told gets a mail when
    the run found anything new, or could not read everything.
    """
    if not database.run(SYSTEM, lambda c: reconciliation.start_run(c, run_id)):
        return _get(database, run_id)
    run = _get(database, run_id)
    try:
        if run.kind == RunKind.LEDGER:
            _check_ledger(database, run)
        else:
            _match(database, run, sources or {})
    except Exception as error:
        _log.exception("reconciliation_failed", run_id=run_id)
        problem = type(error).__name__
        database.run(
            SYSTEM,
            lambda c: reconciliation.finish_run(
                c, run_id, RunState.FAILED, sources={}, found={}, new_items=0, problem=problem
            ),
        )
    done = _get(database, run_id)
    if done.new_items or done.state in (RunState.INCOMPLETE, RunState.FAILED):
        _report(database, done, report_to)
    return done


def _match(database: Database, run: Run, asked: dict[str, str]) -> None:
    assert run.window_start is not None
    assert run.window_end is not None
    window = Window(run.window_start, run.window_end)

    def work(connection: Connection) -> None:
        connection.execute("SET LOCAL statement_timeout = 0")
        mpesa_records.gather_callbacks(
            connection, window.start - _GATHER_MARGIN, window.end + _GATHER_MARGIN
        )
        matching.match(connection, run.id, window)
        states = {**matching.source_states(connection, window), **asked}
        complete = "failed" not in states.values()
        if complete:
            _close_vanished(connection, run.id, window)
        found, new_items = reconciliation.counts_of_run(connection, run.id)
        state = final_state(found, states)
        reconciliation.finish_run(
            connection, run.id, state, sources=states, found=found, new_items=new_items
        )

    database.run(SYSTEM, work)


def _close_vanished(connection: Connection, run_id: int, window: Window) -> None:
    """Close items of whole days only: the run has not seen the rest of a day."""
    first = nairobi_day(window.start)
    if window_of_day(first).start != window.start.astimezone(UTC):
        first += timedelta(days=1)
    last = nairobi_day(window.end) - timedelta(days=1)
    if first <= last:
        reconciliation.close_vanished(connection, run_id, first, last, RunKind.MPESA)


def _check_ledger(database: Database, run: Run) -> None:
    findings = verify_ledger(database)
    today = nairobi_day(datetime.now(UTC))

    def work(connection: Connection) -> None:
        for finding in findings:
            reconciliation.add_item(
                connection,
                run.id,
                {
                    "category": Category.LEDGER_CHECK,
                    "subject": f"{finding.check}:{finding.table}:{finding.key}"[:200],
                    "day": today,
                    "expected": None,
                    "actual": None,
                    "detail": finding.problem[:500],
                },
            )
        reconciliation.close_vanished(
            connection, run.id, today - timedelta(days=366), today, RunKind.LEDGER
        )
        found, new_items = reconciliation.counts_of_run(connection, run.id)
        state = RunState.WARNING if findings else RunState.COMPLETED
        reconciliation.finish_run(
            connection, run.id, state, sources={"ledger": "read"}, found=found, new_items=new_items
        )

    database.run(SYSTEM, work)


def _report(database: Database, run: Run, report_to: tuple[str, ...]) -> None:
    _log.warning(
        "reconciliation_found",
        run_id=run.id,
        state=run.state,
        new_items=run.new_items,
        found=run.found,
    )
    lines = ", ".join(f"{category} {number}" for category, number in run.found.items())

    def work(connection: Connection) -> None:
        for address in report_to:
            message = Message(
                user_id=None,
                recipient=address,
                language="en",
                template=_REPORT,
                params={
                    "run": run.id,
                    "state": run.state,
                    "new_items": run.new_items,
                    "found": lines or "nothing",
                },
                channel="email",
            )
            outbox.put(connection, message)

    database.run(SYSTEM, work)


def _get(database: Database, run_id: int) -> Run:
    with database.transaction(SYSTEM) as connection:
        run = reconciliation.get_run(connection, run_id)
    if run is None:
        raise LookupError(f"no reconciliation run {run_id}")
    return run
