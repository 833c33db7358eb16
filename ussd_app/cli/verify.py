"""`cycle verify`: recompute the whole ledger."""

import json
import sys
from dataclasses import asdict

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ledger.db.engine import Database
from ledger.db.verify import Finding
from ledger.queries.verify import verify_ledger
from ussd_app.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, as_json: bool) -> None:
    """Recompute sums, balances, checkpoints, holds and the audit chain; name what is wrong.

    Reads one snapshot of a live database and changes nothing. Exit code 1 when a row is wrong.
    """
    database = Database.from_settings(Settings.load())
    try:
        findings = _verify(database)
    finally:
        database.close()
    if as_json:
        click.echo(json.dumps({"ok": not findings, "findings": [asdict(f) for f in findings]}))
    elif findings:
        for finding in findings:
            click.echo(f"{finding.check}: {finding.table}, {finding.key}: {finding.problem}")
    else:
        click.echo("The ledger is right.")
    sys.exit(1 if findings else 0)


def _verify(database: Database) -> list[Finding]:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    ) as bars:
        tasks = {}

        def report(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        return verify_ledger(database, report)
