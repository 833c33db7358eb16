"""`cycle up`: everything on one machine until Ctrl-C, or until one of its processes dies."""

import gc
import json
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import click

from standin.processes import ProcessError
from standin.stack import ROOT, Stack

WEB_PORT = 8000
STANDIN_PORT = 8001
_WATCH_SECONDS = 0.2


class Stopped(BaseException):
    """SIGINT or SIGTERM came; no error, so nothing that catches errors may catch it."""


@click.command()
@click.option("--ephemeral", is_flag=True, help="Keep nothing, and take free ports.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when all is ready.")
@click.option("--port", type=click.IntRange(1, 65535), help=f"Web port [default: {WEB_PORT}].")
@click.option(
    "--standin-port",
    type=click.IntRange(1, 65535),
    help=f"Port of the stand-in [default: {STANDIN_PORT}].",
)
def up(*, ephemeral: bool, as_json: bool, port: int | None, standin_port: int | None) -> None:
    """Run everything here: PostgreSQL, Redis, web, worker, cron and the world outside.

    Data stays under var/ between runs. DATABASE_URL and REDIS_URL, when set, name servers
    to be used instead of embedded ones. Exits 1 when a process dies, naming it.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    gc.freeze()  # what is loaded by now stays: no search for garbage looks at it again
    stack = _stack(ephemeral=ephemeral, port=port, standin_port=standin_port)
    try:
        with stack:
            _announce(stack, as_json=as_json)
            _watch(stack)
    except Stopped:
        click.echo("Cycle has stopped.", err=True)
    except ProcessError as error:
        click.echo(f"cycle up: {error}", err=True)
        sys.exit(1)


def _stack(*, ephemeral: bool, port: int | None, standin_port: int | None) -> Stack:
    if ephemeral:
        return Stack(web_port=port, standin_port=standin_port)
    return Stack(ROOT / "var", web_port=port or WEB_PORT, standin_port=standin_port or STANDIN_PORT)


def _stop(_number: int, _frame: FrameType | None) -> None:
    # A second Ctrl-C must not interrupt the stopping.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


def _watch(stack: Stack) -> None:
    """Wait until a process dies; raise ProcessError with its last lines."""
    while True:
        dead = stack.supervisor.dead()
        if dead is not None:
            raise ProcessError(stack.supervisor.obituary(dead))
        time.sleep(_WATCH_SECONDS)


def _announce(stack: Stack, *, as_json: bool) -> None:
    where = stack.addresses
    if as_json:
        click.echo(json.dumps(where.as_json()))
        sys.stdout.flush()
        return
    lines = {
        "Phone": f"{where.standin}/phone   dial {where.ussd_code}",
        "Console": f"{where.web}/admin   {where.admin_email}   {where.admin_password}",
        "API": f"{where.web}/api",
        "PostgreSQL": where.database_url,
        "Redis": where.redis_url,
        "Logs": str(_short(stack.log_folder)),
    }
    click.secho("Cycle is ready\n", fg="green", bold=True)
    for name, value in lines.items():
        click.echo(f"  {name:<12}{value}")
    click.echo("\nCtrl-C stops everything.")
    sys.stdout.flush()


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    up(prog_name="cycle up")
