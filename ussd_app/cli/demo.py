"""`cycle demo`: people to try things with. Running it again adds nobody twice."""

import sys

import click

from ledger.commands import staff
from ledger.commands.register import register
from ledger.core.access import Role
from ledger.core.context import Context
from ledger.core.people import NewUser
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db.engine import Database
from ledger.queries.staff import everyone
from ussd_app.settings import Settings

PIN = "5937"
PEOPLE = (
    ("+254700000101", "Amina", "Otieno", "en"),
    ("+254700000102", "Baraka", "Mwangi", "sw"),
    ("+254700000103", "Chebet", "Kiprop", "en"),
)


@click.command()
@click.option(
    "--admin",
    "admin_email",
    help="Also create this member of staff, with all roles; standard input has the password.",
)
def command(*, admin_email: str | None) -> None:
    """Register three demo customers, all with the PIN 5937. Refused in production."""
    settings = Settings.load()
    if settings.environment == "production":
        click.echo("cycle demo: production has customers of its own", err=True)
        sys.exit(1)
    database = Database.from_settings(settings)
    try:
        for msisdn, first_name, last_name, language in PEOPLE:
            _register(database, NewUser(msisdn, first_name, last_name, language, "demo", "demo"))
        if admin_email is not None:
            _create_admin(database, admin_email)
    finally:
        database.close()


def _register(database: Database, person: NewUser) -> None:
    answer = register(database, Context.of_system("demo"), person, PIN)
    if isinstance(answer, Refusal) and answer.code is not RefusalCode.ALREADY_REGISTERED:
        raise click.ClickException(f"{person.first_name} was refused: {answer.code}")


def _create_admin(database: Database, email: str) -> None:
    if any(member.email == email.lower() for member in everyone(database)):
        return
    try:
        staff.create(database, email, sys.stdin.readline().rstrip("\r\n"), list(Role))
    except staff.StaffError as error:
        raise click.ClickException(str(error)) from None
