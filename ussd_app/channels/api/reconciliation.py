"""Reconciliation for staff: run it, read what it found, close items with notes."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from flask import Blueprint
from pydantic import Field

from jobs.queue import Task, ring
from ledger.commands import reconcile, reconciliation_items
from ledger.core.access import Role
from ledger.core.reconciliation import ItemAction, RunKind, Window
from ledger.core.refusals import Refusal
from ledger.db.reconciliation import Item, Run
from ledger.queries import reconciliation
from ussd_app.channels.api.history import nairobi_span
from ussd_app.channels.api.models import Id, Model, Money
from ussd_app.channels.api.operations import Identity, Incoming, Operation, declare
from ussd_app.channels.api.problems import ProblemError, of_refusal

_READERS = frozenset({Role.ADMIN, Role.FINANCE, Role.AUDITOR})
_CLOSERS = frozenset({Role.ADMIN, Role.FINANCE})
_DEFAULT_SPAN = timedelta(hours=24)
_ID_DIGITS_MAX = 18

RunStatus = Literal["requested", "running", "completed", "warning", "incomplete", "failed"]


class RunQuery(Model):
    """The days to compare, Nairobi's, both included; without them the last 24 hours."""

    start_date: date | None = None
    end_date: date | None = None


class HistoryQuery(Model):
    """How many runs to list."""

    limit: Annotated[int, Field(ge=1, le=100)] = 30


class ItemNotes(Model):
    """Why an item is closed."""

    notes: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{3,500}$")]


class ItemResolution(ItemNotes):
    """Why an item is closed, and whether a correction is to be posted with it."""

    action: ItemAction = ItemAction.NOTE


class Mismatch(Model):
    """One difference between M-Pesa and the ledger."""

    id: Id
    category: str
    subject: str
    day: date
    receipt: str | None
    expected_amount: Money | None
    actual_amount: Money | None
    detail: str
    status: Literal["pending", "resolved", "ignored"]
    notes: str | None
    resolver: str | None
    resolved_at: datetime | None
    proposed_action: str | None
    proposed_by: str | None


class RunSummary(Model):
    """How a run went. ``sources`` says which of M-Pesa's facts could be read."""

    run_id: Id
    type: Literal["mpesa", "ledger"]
    status: RunStatus
    mismatch_count: int
    found: dict[str, int]
    sources: dict[str, str]
    started_at: datetime | None
    completed_at: datetime | None
    requested_by: str
    window_start: datetime | None
    window_end: datetime | None


class RunDetail(RunSummary):
    """A run with what it saw, at most 500 rows."""

    mismatches: list[Mismatch]


class RunList(Model):
    """The newest runs."""

    runs: list[RunSummary]


def attach(blueprint: Blueprint) -> None:
    """Declare the operations of this module."""
    for operation in _OPERATIONS:
        declare(blueprint, operation)


def _run_mpesa(incoming: Incoming) -> RunDetail:
    query: RunQuery = incoming.query
    since, before = nairobi_span(query.start_date, query.end_date)
    now = datetime.now(UTC)
    end = before or now
    window = Window(since or end - _DEFAULT_SPAN, end)
    if window.start >= window.end:
        raise ProblemError(400, "invalid_request", "startDate lies in the future.")
    database = incoming.services.database
    run_id = reconcile.request(database, incoming.context, RunKind.MPESA, window)
    reconcile.perform(database, run_id, report_to=incoming.services.settings.admin_emails)
    return _detail(incoming, run_id)


def _run_ledger(incoming: Incoming) -> RunSummary:
    run_id = reconcile.request(incoming.services.database, incoming.context, RunKind.LEDGER)
    ring(incoming.services.redis, Task.RECONCILE)
    return RunSummary.model_construct(**_summary(_report(incoming, run_id).run))


def _history(incoming: Incoming) -> RunList:
    runs = reconciliation.history(
        incoming.services.database, incoming.context, incoming.query.limit
    )
    return RunList.model_construct(
        runs=[RunSummary.model_construct(**_summary(run)) for run in runs]
    )


def _one(incoming: Incoming) -> RunDetail:
    return _detail(incoming, _id(incoming.arguments["runId"], "run_unknown"))


def _resolve(incoming: Incoming) -> Mismatch:
    body: ItemResolution = incoming.body
    item_id = _id(incoming.arguments["itemId"], "item_unknown")
    return _closed(
        reconciliation_items.resolve(
            incoming.services.database, incoming.context, item_id, body.notes, body.action
        )
    )


def _ignore(incoming: Incoming) -> Mismatch:
    body: ItemNotes = incoming.body
    item_id = _id(incoming.arguments["itemId"], "item_unknown")
    return _closed(
        reconciliation_items.ignore(
            incoming.services.database, incoming.context, item_id, body.notes
        )
    )


def _closed(answer: Item | Refusal) -> Mismatch:
    if isinstance(answer, Refusal):
        raise of_refusal(answer)
    return _mismatch(answer)


def _id(text: str, code: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _ID_DIGITS_MAX):
        raise ProblemError(404, code, "There is no such row.")
    return int(text)


def _report(incoming: Incoming, run_id: int) -> reconciliation.RunReport:
    found = reconciliation.report(incoming.services.database, incoming.context, run_id)
    if found is None:
        raise ProblemError(404, "run_unknown", "There is no such run.")
    return found


def _detail(incoming: Incoming, run_id: int) -> RunDetail:
    found = _report(incoming, run_id)
    return RunDetail.model_construct(
        **_summary(found.run), mismatches=[_mismatch(item) for item in found.items]
    )


def _summary(run: Run) -> dict[str, Any]:
    return {
        "run_id": str(run.id),
        "type": run.kind,
        "status": run.state,
        "mismatch_count": run.mismatch_count,
        "found": run.found,
        "sources": run.sources,
        "started_at": run.started_at,
        "completed_at": run.finished_at,
        "requested_by": run.requested_by,
        "window_start": run.window_start,
        "window_end": run.window_end,
    }


def _mismatch(item: Item) -> Mismatch:
    return Mismatch.model_construct(
        id=str(item.id),
        category=item.category,
        subject=item.subject,
        day=item.day,
        receipt=item.receipt,
        expected_amount=item.expected,
        actual_amount=item.actual,
        detail=item.detail,
        status=item.state,
        notes=item.notes,
        resolver=item.resolver,
        resolved_at=item.resolved_at,
        proposed_action=item.proposed_action,
        proposed_by=item.proposed_by,
    )


_OPERATIONS = (
    Operation(
        "reconcileMpesa",
        "POST",
        "/reconciliation/mpesa",
        "Compare M-Pesa with the ledger now.",
        _run_mpesa,
        RunDetail,
        201,
        Identity.STAFF,
        query=RunQuery,
        roles=_READERS,
    ),
    Operation(
        "verifyLedger",
        "POST",
        "/reconciliation/run",
        "Have a worker prove the ledger itself; ask for the run afterwards.",
        _run_ledger,
        RunSummary,
        202,
        Identity.STAFF,
        roles=_READERS,
    ),
    Operation(
        "listRuns",
        "GET",
        "/reconciliation/history",
        "The newest runs.",
        _history,
        RunList,
        200,
        Identity.STAFF,
        query=HistoryQuery,
        roles=_READERS,
    ),
    Operation(
        "getRun",
        "GET",
        "/reconciliation/<runId>",
        "One run with what it saw.",
        _one,
        RunDetail,
        200,
        Identity.STAFF,
        roles=_READERS,
    ),
    Operation(
        "resolveItem",
        "POST",
        "/reconciliation/items/<itemId>/resolve",
        "Close a mismatch, posting the correction if asked; large ones need two people.",
        _resolve,
        Mismatch,
        200,
        Identity.STAFF,
        ItemResolution,
        roles=_CLOSERS,
        problems=(409,),
    ),
    Operation(
        "ignoreItem",
        "POST",
        "/reconciliation/items/<itemId>/ignore",
        "Close a mismatch that needs nothing done.",
        _ignore,
        Mismatch,
        200,
        Identity.STAFF,
        ItemNotes,
        roles=_CLOSERS,
        problems=(409,),
    ),
)
