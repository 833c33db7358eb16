"""`cycle outbox`: what waits, what failed and why, and sending it again."""

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from jobs.clients.mail import mask_address
from jobs.clients.redis import connect
from jobs.queue import Task, ring
from jobs.settings import JobSettings
from ledger.commands.outbox_support import SentAgain, send_again
from ledger.core.context import Context
from ledger.core.msisdn import mask_msisdn, parse_msisdn
from ledger.db import outbox, outbox_support
from ledger.db.engine import Database
from ledger.db.outbox_support import OutboxRow

_STATES = ("queued", "sending", "sent", "delivered", "failed", "opted_out")
_RETRIES_MAX = 1000


@click.group()
def command() -> None:
    """Look at outgoing messages: what waits, what failed and why; send again."""


@command.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only messages in this state.")
@click.option("--phone", help="Only messages to this number, in any usual spelling.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def list_messages(state: str | None, phone: str | None, limit: int, as_json: bool) -> None:
    """List messages, newest first, with the reason of each failure."""
    recipient = parse_msisdn(phone) if phone is not None else None
    if phone is not None and recipient is None:
        raise click.BadParameter("is not a Kenyan mobile number", param_hint="--phone")
    with _filled() as database, database.transaction(_context()) as connection:
        rows = outbox_support.newest(connection, state=state, recipient=recipient, limit=limit)
    if as_json:
        for row in rows:
            click.echo(json.dumps(_shown(row), default=str))
        return
    table = Table("id", "to", "template", "state", "tries", "created (UTC)", "cost", "why")
    for row in rows:
        table.add_row(
            str(row.id),
            _masked(row),
            row.template,
            row.state,
            str(row.attempts),
            f"{row.created_at:%Y-%m-%d %H:%M:%S}",
            row.cost_text or "",
            row.failure_reason or "",
        )
    Console().print(table)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def figures(as_json: bool) -> None:
    """Show each channel's queue, pause, last day and cost."""
    with _filled() as database, database.transaction(_context()) as connection:
        channels = outbox_support.figures(connection)
    if as_json:
        click.echo(json.dumps({each.channel: asdict(each) for each in channels}, default=str))
        return
    for each in channels:
        click.echo(f"{each.channel}: {each.waiting} waiting, oldest {each.oldest_seconds:.0f} s")
        click.echo(f"  {'paused: ' + each.paused_reason if each.paused_reason else 'open'}")
        states = ", ".join(f"{name} {number}" for name, number in each.states_of_day.items())
        click.echo(f"  last day: {states or 'nothing'}; cost KES {each.cost_of_day}")


@command.command()
@click.argument("message_id", type=int, required=False)
@click.option("--all-failed", is_flag=True, help="Every failed message not yet sent again.")
def retry(message_id: int | None, all_failed: bool) -> None:
    """Send MESSAGE_ID again: at once if it waits, as a new message if it failed."""
    if (message_id is None) is not all_failed:
        raise click.UsageError("give MESSAGE_ID or --all-failed")
    with _database() as (settings, database):
        ids = [message_id] if message_id is not None else _failed(database)
        answers = {each: send_again(database, _context(), each) for each in ids}
        redis = connect(settings.redis_url.get_secret_value())
        for task in (Task.SEND_SMS, Task.SEND_EMAIL):
            ring(redis, task)
        redis.close()
    _report(answers)


def _failed(database: Database) -> list[int]:
    with database.transaction(_context()) as connection:
        return outbox_support.failed_ids(connection, _RETRIES_MAX)


def _report(answers: dict[int, SentAgain]) -> None:
    for message_id, answer in answers.items():
        if answer.message_id is None:
            click.echo(f"{message_id} is not sent again: {answer.reason}", err=True)
        else:
            click.echo(f"{message_id} goes out as {answer.message_id}")
    if any(answer.message_id is None for answer in answers.values()):
        sys.exit(1)


def _shown(row: OutboxRow) -> dict[str, Any]:
    return {**asdict(row), "recipient": _masked(row)}


def _masked(row: OutboxRow) -> str:
    return mask_msisdn(row.recipient) if row.channel == "sms" else mask_address(row.recipient)


def _context() -> Context:
    return Context(actor=f"admin:cli:{getpass.getuser()}", channel="cli")


@contextmanager
def _database() -> Iterator[tuple[JobSettings, Database]]:
    settings = JobSettings.load()
    database = Database.from_settings(settings)
    try:
        yield settings, database
    finally:
        database.close()


@contextmanager
def _filled() -> Iterator[Database]:
    with _database() as (_, database):
        outbox.fill(database)
        yield database
