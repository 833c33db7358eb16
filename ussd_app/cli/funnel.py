"""`cycle funnel`: where sessions go and where they stop."""

import json

import click
from rich.console import Console
from rich.table import Table

from jobs.clients.redis import connect
from ussd_app import funnel
from ussd_app.funnel import Figure, Funnel, Place
from ussd_app.settings import Settings


@click.command()
@click.option(
    "--days", type=click.IntRange(1, 35), default=1, show_default=True, help="Today and before."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def command(*, days: int, as_json: bool) -> None:
    """Show, a screen, network and language: entries, answers, wrong input, and how it ended.

    Hang-ups and time-outs come from the gateway's end-of-session events, which may be missing.
    """
    redis = connect(Settings.load().redis_url.get_secret_value())
    try:
        found = funnel.read(redis, days)
    finally:
        redis.close()
    rows = sorted(found.items(), key=lambda row: -row[1].get(Figure.ENTRIES, 0))
    if as_json:
        click.echo(json.dumps([_as_json(place, figures) for place, figures in rows]))
    else:
        Console().print(_table(dict(rows)))


def _as_json(place: Place, figures: dict[Figure, int]) -> dict[str, str | int]:
    row: dict[str, str | int] = {
        "screen": place.screen,
        "network": place.network,
        "language": place.language,
    }
    return row | {figure.value: figures.get(figure, 0) for figure in Figure}


def _table(found: Funnel) -> Table:
    table = Table("screen", "network", "language")
    for figure in Figure:
        if figure is not Figure.SECONDS:
            table.add_column(figure.value.replace("_", " "), justify="right")
    table.add_column("seconds an answer", justify="right")
    for place, figures in found.items():
        answers = figures.get(Figure.ANSWERS, 0)
        shown = [str(figures.get(figure, 0)) for figure in Figure if figure is not Figure.SECONDS]
        pace = f"{figures.get(Figure.SECONDS, 0) / answers:.1f}" if answers else ""
        table.add_row(place.screen, place.network, place.language, *shown, pace)
    return table
