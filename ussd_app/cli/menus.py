"""`cycle menus`: prove the screens, list them, draw them."""

import sys
from typing import Literal

import click

from ussd_app import actions
from ussd_app.flow.check import problems
from ussd_app.flow.inputs import HELP_LINES
from ussd_app.flow.picture import kind_of, mermaid, svg
from ussd_app.screens import flow, journeys


@click.command()
@click.option("--svg", "what", flag_value="svg", help="Draw the state machine as SVG.")
@click.option("--mermaid", "what", flag_value="mermaid", help="Draw it as a Mermaid flow chart.")
@click.option("--check", "what", flag_value="check", help="Prove the screens; exit 1 if they fail.")
def command(*, what: Literal["svg", "mermaid", "check"] | None) -> None:
    """List the USSD screens by journey, or draw or prove them.

    The proof: every target exists, every screen can be reached and left, both languages are
    complete and plain GSM-7, and no screen is longer than 156 septets with its longest values.
    """
    match what:
        case "svg":
            click.echo(svg(flow(), journeys()), nl=False)
        case "mermaid":
            click.echo(mermaid(flow(), journeys()), nl=False)
        case "check":
            found = problems(flow(), actions.names(), HELP_LINES)
            for problem in found:
                click.echo(problem)
            click.echo(f"{len(flow().screens)} screens, {len(found)} problems", err=True)
            sys.exit(1 if found else 0)
        case None:
            for journey, names in journeys().items():
                click.echo(journey)
                for name in names:
                    click.echo(f"  {name} ({kind_of(flow().screens[name])})")
