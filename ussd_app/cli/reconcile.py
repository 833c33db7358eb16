"""`cycle reconcile`: compare M-Pesa with the ledger now."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from jobs.services import JobServices
from jobs.tasks import reconcile as task
from ledger.commands import portal_statements, reconcile
from ledger.core.portal_statement import StatementError
from ledger.core.reconciliation import RunKind, Window, window_of_day
from ledger.queries.reconciliation import report
from ussd_app.settings import Settings

_SPAN = timedelta(hours=24)


@click.command()
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="A day in Nairobi.")
@click.option(
    "--statement",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV exported from the M-Pesa organisation portal, to load first.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, day: datetime | None, statement: Path | None, as_json: bool) -> None:
    """Compare M-Pesa's facts with the ledger: a day, or the last 24 hours.

    Exit code 1 when anything was found, or when a source could not be read.
    """
    services = JobServices.open(Settings.load())
    try:
        if statement is not None:
            _load(services, statement)
        now = datetime.now(UTC)
        window = window_of_day(day.date()) if day else Window(now - _SPAN, now)
        run_id = reconcile.request(services.database, reconcile.SYSTEM, RunKind.MPESA, window)
        task.perform(services, run_id)
        found = report(services.database, reconcile.SYSTEM, run_id)
    finally:
        services.close()
    assert found is not None
    run = found.run
    if as_json:
        items = [
            {
                "id": item.id,
                "category": item.category,
                "subject": item.subject,
                "day": item.day.isoformat(),
                "expectedCents": item.expected,
                "actualCents": item.actual,
                "detail": item.detail,
                "state": item.state,
            }
            for item in found.items
        ]
        document = {"runId": run.id, "state": run.state, "sources": run.sources, "items": items}
        click.echo(json.dumps(document))
    else:
        for item in found.items:
            click.echo(f"{item.category}  {item.subject}  {item.state}  {item.detail}")
        sources = ", ".join(f"{name} {state}" for name, state in run.sources.items())
        click.echo(f"Run {run.id} ended {run.state}; sources: {sources}.", err=True)
    sys.exit(0 if run.state == "completed" else 1)


def _load(services: JobServices, statement: Path) -> None:
    try:
        with statement.open("rb") as file:
            loaded = portal_statements.load(
                services.database, reconcile.SYSTEM, file, statement.name
            )
    except StatementError as error:
        click.echo(f"cycle reconcile: {statement}: {error}", err=True)
        sys.exit(1)
    click.echo(f"{loaded.rows} rows, {loaded.new_records} of them new.", err=True)
