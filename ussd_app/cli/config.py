"""`cycle config`: is the environment usable, and what can be set."""

import json
import sys

import click

from jobs.settings import SettingsError
from ussd_app.configuration import markdown_table
from ussd_app.settings import Settings


@click.group()
def command() -> None:
    """Look at the settings."""


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(*, as_json: bool) -> None:
    """Read the environment and name every problem at once; values are never shown."""
    problems: list[str] = []
    try:
        Settings.load()
    except SettingsError as error:
        problems = error.problems
    if as_json:
        click.echo(json.dumps({"usable": not problems, "problems": problems}))
    elif problems:
        click.echo("The environment is not usable:", err=True)
        for problem in problems:
            click.echo(f"  {problem}", err=True)
    else:
        click.echo("The environment is usable.")
    sys.exit(1 if problems else 0)


@command.command()
def document() -> None:
    """Print the table of docs/configuration.md."""
    click.echo(markdown_table())
