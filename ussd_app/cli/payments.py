"""`cycle payments`: which payments wait for M-Pesa's verdict, and ask about them now."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import click

from jobs.queue import Task, ring
from jobs.services import JobServices
from jobs.settings import JobSettings
from ledger.commands.submissions import ask_now
from ledger.core.context import Context
from ledger.core.money import ksh
from ledger.core.msisdn import mask_msisdn
from ledger.queries import payments

_CONTEXT = Context.of_system("cli")


@click.group()
def command() -> None:
    """See which payments wait for M-Pesa, and ask about them now."""


@command.command()
@click.option("--hours", type=click.IntRange(0), default=1, show_default=True, help="Older than.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list and nothing else.")
def waiting(hours: int, as_json: bool) -> None:
    """List payments that have had no verdict for some hours, oldest first."""
    with _opened() as services:
        found = payments.waiting_longer_than(services.database, _CONTEXT, hours)
    if as_json:
        listed = [
            {
                "id": payment.id,
                "kind": payment.kind,
                "state": payment.state,
                "amountCents": payment.amount,
                "createdAt": payment.created_at.isoformat(),
                "checkoutRequestId": payment.checkout_request_id,
                "conversationId": payment.conversation_id,
            }
            for payment in found
        ]
        print(json.dumps(listed))
        return
    for payment in found:
        who = mask_msisdn(payment.msisdn) if payment.msisdn else "-"
        print(
            f"{payment.id:>8}  {payment.kind:<10}  {payment.state:<10}  {ksh(payment.amount):>14}"
            f"  {who}  {payment.created_at:%Y-%m-%d %H:%M} UTC"
        )


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def ask(as_json: bool) -> None:
    """Ask M-Pesa now about every payment without a verdict, instead of on schedule."""
    with _opened() as services:
        count = ask_now(services.database)
        ring(services.redis, Task.QUERY_PAYMENTS)
    print(json.dumps({"asked": count}) if as_json else f"{count} payments will be asked about")


@contextmanager
def _opened() -> Iterator[JobServices]:
    services = JobServices.open(JobSettings.load())
    try:
        yield services
    finally:
        services.close()
