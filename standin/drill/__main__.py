"""`cycle drill`: run one drill, print what it did, exit 1 unless all four numbers are 0."""

import json
import sys
from collections.abc import Mapping

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from standin.drill.run import Drill, Report
from standin.money import to_shillings
from standin.processes import ProcessError


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--people", type=click.IntRange(2, 2000), default=60, show_default=True)
@click.option("--moves", type=click.IntRange(1, 1_000_000), default=300, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Repeats a run's faults.")
@click.option("--kill", is_flag=True, help="Kill and restart web, worker and Redis meanwhile.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def drill(*, people: int, moves: int, seed: int, kill: bool, as_json: bool) -> None:
    """Let people move money while everything goes wrong, then compare three books.

    M-Pesa's books, the ledger and the SMS on the phones must agree to the cent. Exits 1
    when a shilling is lost or doubled, a payment has no verdict, or a receipt is wrong.
    """
    console = Console(stderr=True)
    try:
        with Progress(
            TextColumn("{task.description:<10}"), BarColumn(), TimeElapsedColumn(), console=console
        ) as progress:
            report = Drill(people, moves, seed, kill=kill, advance=_Shown(progress)).run()
    except ProcessError as error:
        click.echo(f"cycle drill: {error}", err=True)
        sys.exit(1)
    if as_json:
        click.echo(json.dumps(report.as_json()))
    else:
        _print(report)
    sys.exit(0 if report.findings.clean else 1)


class _Shown:
    """Draws one bar a stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)


def _print(report: Report) -> None:
    console = Console()
    found = report.findings
    counted: tuple[tuple[str, Mapping[str, object]], ...] = (
        ("Moves", report.moves),
        ("Faults fired", report.faults),
        (
            "Planned faults that never came",
            {k: ", ".join(v) for k, v in report.never_fired.items()},
        ),
        ("Restarts", report.restarts),
        ("Payments over M-Pesa", report.payments),
        ("For a person to look at", report.reviews),
    )
    for title, counts in counted:
        table = Table(title=title, title_justify="left", show_header=False)
        for name, count in counts.items():
            table.add_row(name, str(count))
        if counts:
            console.print(table)
    console.print(f"Shillings lost             {to_shillings(found.lost_cents)}")
    console.print(f"Shillings doubled          {to_shillings(found.doubled_cents)}")
    console.print(f"Payments without verdict   {found.without_verdict}")
    console.print(f"Receipts missing or wrong  {found.receipts_wrong}")
    for detail in found.details[:20]:
        console.print(f"  {detail}", markup=False)
    console.print(f"{report.seconds} s, seed {report.seed}")


if __name__ == "__main__":
    drill()
