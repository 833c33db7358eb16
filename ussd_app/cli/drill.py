"""`cycle drill`: hands over to the stand-in's side, which the product may not import."""

import os
import sys

import click


@click.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Move money while everything goes wrong; see `cycle drill --help`."""
    os.execv(  # noqa: S606  # our own interpreter
        sys.executable, [sys.executable, "-m", "standin.drill", *arguments]
    )
