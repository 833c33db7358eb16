"""Do the reconciliation runs that are due: yesterday's after 03:00 EAT, a light one hourly."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import structlog

from jobs.clients.mpesa import pull
from jobs.clients.mpesa.account import DarajaAccount
from jobs.clients.mpesa.clock import EAT
from jobs.clients.mpesa.transport import Daraja
from jobs.services import JobServices
from ledger.commands import reconcile
from ledger.core.reconciliation import RunKind, SourceState, Window, light_window, window_of_day
from ledger.core.rules import NAIROBI, nairobi_day
from ledger.db.mpesa_records import MpesaRecord
from ledger.queries.reconciliation import report

DAILY_HOUR = 3
_PULL_REACH = timedelta(hours=47)
"""Pull knows the last 48 hours (Daraja 1.13)."""
_PULL_MARGIN = timedelta(hours=3)
_log = structlog.get_logger(__name__)


def run(services: JobServices) -> None:
    """Ask for the scheduled runs, then do all that wait."""
    schedule(services, datetime.now(UTC))
    for run_id in reconcile.waiting(services.database):
        perform(services, run_id)


def schedule(services: JobServices, now: datetime) -> None:
    """Ask once for each run whose time has come; a clock that stood still is caught up."""
    if now.astimezone(NAIROBI).hour >= DAILY_HOUR:
        yesterday = window_of_day(nairobi_day(now) - timedelta(days=1))
        for kind in RunKind:
            reconcile.request_once(services.database, kind, yesterday)
    full_hour = now.replace(minute=0, second=0, microsecond=0)
    reconcile.request_once(services.database, RunKind.MPESA, light_window(full_hour))


def perform(services: JobServices, run_id: int) -> None:
    """Ask Daraja for its list of the window where it still has one, then compare."""
    found = report(services.database, reconcile.SYSTEM, run_id)
    sources: dict[str, str] = {}
    if found is not None and found.run.kind == RunKind.MPESA:
        assert found.run.window_start is not None
        assert found.run.window_end is not None
        window = Window(found.run.window_start, found.run.window_end)
        sources["pull"] = _pull(services, window, datetime.now(UTC))
    reconcile.perform(
        services.database, run_id, sources=sources, report_to=services.settings.admin_emails
    )


def _pull(services: JobServices, window: Window, now: datetime) -> SourceState:
    """Fetch what customers paid. No connection to the database is held meanwhile."""
    start = max(window.start - _PULL_MARGIN, now - _PULL_REACH)
    end = min(window.end + _PULL_MARGIN, now)
    if start >= end or window.start < now - _PULL_REACH - _PULL_MARGIN:
        return SourceState.NOT_ASKED
    daraja = Daraja(DarajaAccount.of_settings(services.settings), services.redis)
    pulled = pull.pull_window(daraja, start, end)
    if not pulled.proven:
        # "No data" is also the answer to who has not subscribed to Pull: it proves nothing.
        _log.warning("pull_unproven", code=pulled.code)
        return SourceState.NOT_ASKED if pulled.code == pull.NO_DATA else SourceState.FAILED
    reconcile.add_records(services.database, "pull", _records(pulled.transactions))
    return SourceState.READ


def _records(transactions: list[pull.PulledTransaction]) -> Iterator[MpesaRecord]:
    for paid in transactions:
        moment = _moment(paid.completed_at)
        if paid.amount_cents and moment is not None:
            yield MpesaRecord(
                receipt=paid.receipt,
                amount=paid.amount_cents,
                occurred_at=moment,
                account_reference=paid.bill_reference[:40] or None,
            )


def _moment(text: str) -> datetime | None:
    """Read a time of Pull: ISO 8601 that ends in Z although it is Nairobi's (Daraja 1.13)."""
    try:
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=EAT)
    except ValueError:
        return None
