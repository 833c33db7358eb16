"""`cycle admin`: who may use the console, and what for."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps

import click

from ledger.commands import staff
from ledger.core.access import Role
from ledger.db.engine import Database
from ledger.queries.staff import everyone
from ussd_app.settings import Settings

_ROLES = click.Choice([role.value for role in Role])


@click.group()
def command() -> None:
    """Create staff, grant roles, disable accounts. Each change is in the audit log."""


@contextmanager
def _database() -> Iterator[Database]:
    database = Database.from_settings(Settings.load())
    try:
        yield database
    finally:
        database.close()


def _says_errors(work: Callable[..., None]) -> Callable[..., None]:
    """Turn what an operator can't have into one line and exit code 1."""

    @wraps(work)
    def wrapped(*arguments: object, **options: object) -> None:
        try:
            work(*arguments, **options)
        except staff.StaffError as error:
            click.echo(f"cycle admin: {error}", err=True)
            sys.exit(1)

    return wrapped


@command.command()
@click.option("--email", required=True, help="Mail address to sign in with.")
@click.option("--role", "roles", type=_ROLES, multiple=True, help="May be given several times.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@_says_errors
def create(*, email: str, roles: tuple[str, ...], password_stdin: bool) -> None:
    """Create a member of staff. The second factor is enrolled at the first sign-in."""
    with _database() as database:
        password = _password(from_stdin=password_stdin)
        staff.create(database, email, password, [Role(role) for role in roles])
    click.echo(f"{email.lower()} was created.", err=True)


@command.command()
@click.argument("email")
@click.argument("role", type=_ROLES)
@_says_errors
def grant(email: str, role: str) -> None:
    """Give a role."""
    with _database() as database:
        staff.grant(database, email, Role(role))


@command.command()
@click.argument("email")
@click.argument("role", type=_ROLES)
@_says_errors
def revoke(email: str, role: str) -> None:
    """Take a role away."""
    with _database() as database:
        staff.revoke(database, email, Role(role))


@command.command()
@click.argument("email")
@_says_errors
def disable(email: str) -> None:
    """Stop somebody from signing in, and end all sessions at once."""
    with _database() as database:
        staff.set_status(database, email, "disabled")


@command.command()
@click.argument("email")
@_says_errors
def enable(email: str) -> None:
    """Let somebody sign in again."""
    with _database() as database:
        staff.set_status(database, email, "active")


@command.command()
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@_says_errors
def password(email: str, *, password_stdin: bool) -> None:
    """Replace a password, lift a lock and end all sessions."""
    with _database() as database:
        staff.set_password(database, email, _password(from_stdin=password_stdin))


@command.command("forget-second-factor")
@click.argument("email")
@_says_errors
def forget_second_factor(email: str) -> None:
    """Let somebody who lost a phone enrol a new second factor at the next sign-in."""
    with _database() as database:
        staff.forget_second_factor(database, email)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_staff(*, as_json: bool) -> None:
    """List all staff with their roles."""
    with _database() as database:
        members = everyone(database)
    if as_json:
        click.echo(
            json.dumps(
                [
                    {
                        "email": member.email,
                        "status": member.status,
                        "roles": member.roles,
                        "secondFactor": member.has_second_factor,
                    }
                    for member in members
                ]
            )
        )
        return
    for member in members:
        factor = "second factor enrolled" if member.has_second_factor else "no second factor yet"
        roles = ", ".join(member.roles) or "no roles"
        click.echo(f"{member.email}  {member.status}  {roles}  {factor}")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password
