"""`cycle paybill`: tell Daraja where paybill payments are announced; try one in the sandbox."""

import json

import click

from jobs.clients.mpesa import c2b, pull
from jobs.clients.mpesa.account import DarajaAccount
from jobs.clients.mpesa.outcomes import Answer, Outcome
from jobs.clients.mpesa.transport import Daraja
from jobs.clients.redis import connect
from jobs.services import JobServices
from jobs.settings import JobSettings
from jobs.tasks import recover_paybills
from ledger.core.money import AmountProblem, parse_amount
from ledger.core.msisdn import parse_msisdn


@click.group()
def command() -> None:
    """Register the paybill's addresses with Daraja, or try a payment in the sandbox."""


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def register(as_json: bool) -> None:
    """Register validation and confirmation addresses; production accepts this once."""
    settings, daraja = _connected()
    try:
        answer = c2b.register(
            daraja,
            confirmation_url=settings.c2b_url("confirm"),
            validation_url=settings.c2b_url("validate"),
        )
    except ValueError as error:
        raise click.ClickException(f"{error}; see PUBLIC_URL and MPESA_C2B_KEYS") from None
    _report(answer, as_json)


@command.command()
@click.argument("msisdn")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def enrol(msisdn: str, as_json: bool) -> None:
    """Subscribe to Daraja's list of payments; MSISDN is the number in the shortcode's papers.

    Without it lost confirmations can't be found and reconciliation has no list to compare.
    """
    nominated = _parsed(msisdn)
    settings, daraja = _connected()
    _report(
        pull.register(
            daraja,
            nominated_number=nominated.removeprefix("+"),
            callback_url=settings.status_result_url("pull"),
        ),
        as_json,
    )


@command.command()
@click.argument("msisdn")
@click.argument("amount")
@click.argument("account_number")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def simulate(msisdn: str, amount: str, account_number: str, as_json: bool) -> None:
    """Pay AMOUNT shillings from MSISDN to ACCOUNT_NUMBER; Daraja's sandbox only."""
    payer, cents = _parsed(msisdn), parse_amount(amount, whole_shillings=True)
    if isinstance(cents, AmountProblem):
        raise click.BadParameter("must be whole shillings, such as 100", param_hint="AMOUNT")
    _, daraja = _connected()
    _report(
        c2b.simulate(daraja, amount_cents=cents, msisdn=payer, account_number=account_number),
        as_json,
    )


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def recover(as_json: bool) -> None:
    """Book payments of the last hours whose confirmation never came; workers do it every hour."""
    services = JobServices.open(JobSettings.load())
    try:
        recovered = recover_paybills.recover(services)
    finally:
        services.close()
    if as_json:
        print(json.dumps({"complete": recovered.complete, "booked": recovered.booked}))
    else:
        print(
            f"{recovered.booked} booked" + ("" if recovered.complete else "; the list is unproven")
        )
    if not recovered.complete:
        raise SystemExit(1)


def _parsed(msisdn: str) -> str:
    parsed = parse_msisdn(msisdn)
    if parsed is None:
        raise click.BadParameter("is not a Kenyan mobile number", param_hint="MSISDN")
    return parsed


def _connected() -> tuple[JobSettings, Daraja]:
    settings = JobSettings.load()
    redis = connect(settings.redis_url.get_secret_value())
    return settings, Daraja(DarajaAccount.of_settings(settings), redis)


def _report(answer: Answer, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"outcome": answer.outcome, "code": answer.code, "text": answer.text}))
    else:
        print(f"{answer.outcome}: {answer.code} {answer.text}".rstrip())
    if answer.outcome not in (Outcome.ACCEPTED, Outcome.DUPLICATE):
        raise SystemExit(1)
