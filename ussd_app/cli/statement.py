"""`cycle statement`: make, mail and verify statements."""

import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO

import click
import psycopg
from psycopg_pool import PoolTimeout
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from jobs.clients.africastalking import Outcome
from jobs.clients.mail import Attachment, Mail, MailClient
from jobs.statement.mail_texts import statement_mail
from jobs.statements import MadeFile, make_system_statement, make_wallet_statement, verify_url
from ledger.core.chart import SystemAccount
from ledger.core.context import Context
from ledger.core.msisdn import parse_msisdn
from ledger.core.people import User
from ledger.core.plans import RECEIPT_ALPHABET
from ledger.core.refusals import Refusal
from ledger.core.rules import nairobi_day
from ledger.core.statements import Period, StatementMismatchError, Verdict
from ledger.db.engine import Database
from ledger.queries import users
from ledger.queries.statements import judge_file, wallet_holders
from ussd_app.settings import Settings

_CONTEXT = Context.of_system("cli")
_CLAIM = re.compile(rb"cycle-statement:([" + RECEIPT_ALPHABET.encode() + rb"]{10})")
_CHUNK_BYTES = 1024 * 1024
_PERIOD_PROBLEMS = {
    "reversed": "--to is before --from",
    "future": "--from is in the future",
    "too_long": "a statement covers at most {years} years",
}


@click.command()
@click.option("--phone", help="The customer's number, in any usual spelling.")
@click.option(
    "--account",
    type=click.Choice([account.name for account in SystemAccount]),
    help="One of the organisation's own accounts, instead of a customer.",
)
@click.option("--all", "everybody", is_flag=True, help="Every customer, into the folder --out.")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First day, in Nairobi.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Last day, included.")
@click.option("--month", type=click.DateTime(["%Y-%m"]), help="A month, instead of --from, --to.")
@click.option("--format", "file_format", type=click.Choice(["pdf", "csv"]), default="pdf")
@click.option("--out", type=click.Path(path_type=Path), help="File, or folder with --all.")
@click.option("--email", help="Mail it: to the customer's confirmed address or to an admin.")
@click.option(
    "--verify",
    "suspect",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Say whether a file is genuine; exit code 1 when it is not.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    *,
    phone: str | None,
    account: str | None,
    everybody: bool,
    first: datetime | None,
    last: datetime | None,
    month: datetime | None,
    file_format: str,
    out: Path | None,
    email: str | None,
    suspect: Path | None,
    as_json: bool,
) -> None:
    """Make a statement of a wallet or of an account of the organisation, or verify a file.

    Days are Nairobi's, both included. A file appears whole or not at all.
    """
    if sum((phone is not None, account is not None, everybody, suspect is not None)) != 1:
        raise click.UsageError("give one of --phone, --account, --all and --verify")
    settings = Settings.load()
    database = Database.from_settings(settings)
    try:
        if suspect is not None:
            _verify(database, suspect, as_json=as_json)
            return
        period = _period(first, last, month)
        if everybody:
            _make_all(database, settings, period, file_format, out, as_json=as_json)
            return
        make = _maker(database, settings, phone, account, period, file_format)
        _make_one(database, settings, make, out, email, as_json=as_json)
    except StatementMismatchError as error:
        raise click.ClickException(f"the ledger's sums disagree: {error}") from None
    except (psycopg.OperationalError, PoolTimeout):
        raise click.ClickException("the database does not answer") from None
    finally:
        database.close()


Make = Callable[[IO[bytes], Progress], MadeFile]


def _period(first: datetime | None, last: datetime | None, month: datetime | None) -> Period:
    today = nairobi_day(datetime.now(UTC))
    if month is not None:
        if first or last:
            raise click.UsageError("give --month or --from and --to")
        whole = Period.of_month(month.date())
        days: tuple[date, date] = (whole.first_day, whole.last_day)
    elif first is None or last is None:
        raise click.UsageError("give --from and --to, or --month")
    else:
        days = first.date(), last.date()
    period = Period.between(*days, today)
    if isinstance(period, Refusal):
        problem = _PERIOD_PROBLEMS[str(period.details["problem"])]
        raise click.UsageError(problem.format(years=period.details["years"]))
    return period


def _customer(database: Database, phone: str) -> User:
    msisdn = parse_msisdn(phone)
    if msisdn is None:
        raise click.UsageError(f"{phone} is not a Kenyan mobile number")
    user = users.find(database, msisdn)
    if user is None:
        raise click.ClickException(f"no customer has the number {phone}")
    return user


def _maker(
    database: Database,
    settings: Settings,
    phone: str | None,
    account: str | None,
    period: Period,
    file_format: str,
) -> Make:
    if account is not None:
        owned = SystemAccount[account]
        return lambda out, progress: make_system_statement(
            database,
            _CONTEXT,
            owned,
            period,
            file_format=file_format,
            public_url=settings.public_url,
            out=out,
            progress=_bar(progress),
        )
    assert phone is not None
    user_id = _customer(database, phone).id
    return lambda out, progress: _wallet(
        database, settings, user_id, period, file_format, out, progress
    )


def _wallet(
    database: Database,
    settings: Settings,
    user_id: int,
    period: Period,
    file_format: str,
    out: IO[bytes],
    progress: Progress | None,
) -> MadeFile:
    made = make_wallet_statement(
        database,
        _CONTEXT,
        user_id,
        period,
        file_format=file_format,
        public_url=settings.public_url,
        out=out,
        progress=_bar(progress) if progress else lambda done, total: None,
    )
    assert isinstance(made, MadeFile)
    return made


def _make_one(
    database: Database,
    settings: Settings,
    make: Make,
    out: Path | None,
    email: str | None,
    *,
    as_json: bool,
) -> None:
    if (out is None) == (email is None):
        raise click.UsageError("give --out or --email")
    if out is not None:
        with _progress() as progress, _whole_file(out) as file:
            made = make(file, progress)
        _report(made, str(out), as_json=as_json)
        return
    assert email is not None
    with _progress() as progress, tempfile.TemporaryFile() as file:
        made = make(file, progress)
        _refuse_stranger(database, settings, made, email)
        file.seek(0)
        _mail(settings, made, email, file.read())
    _report(made, email, as_json=as_json)


def _refuse_stranger(database: Database, settings: Settings, made: MadeFile, email: str) -> None:
    allowed = {address.lower() for address in settings.admin_emails}
    if made.issued.user_id is not None:
        user = users.get(database, _CONTEXT, made.issued.user_id)
        if user is not None and user.email and user.email_confirmed_at:
            allowed.add(user.email.lower())
    if email.lower() not in allowed:
        raise click.ClickException(
            f"{email} is neither the customer's confirmed address nor one of ADMIN_EMAILS"
        )


def _mail(settings: Settings, made: MadeFile, email: str, content: bytes) -> None:
    reference = made.issued.reference
    url = verify_url(settings.public_url, reference)
    subject, text, html = statement_mail(made.summary, reference, url)
    attachment = Attachment(made.filename, made.media_type, content)
    key = f"statement:{reference}"
    mail = Mail(key, (email,), subject, text, html, (attachment,))
    answer = MailClient.from_settings(settings).send(mail)
    if answer.outcome is not Outcome.ACCEPTED:
        raise click.ClickException(f"the mail server did not take it: {answer.reason}")


def _make_all(
    database: Database,
    settings: Settings,
    period: Period,
    file_format: str,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    if out is None:
        raise click.UsageError("--all needs a folder in --out")
    out.mkdir(parents=True, exist_ok=True)
    ids = list(wallet_holders(database, _CONTEXT))
    made = 0
    with _progress() as progress:
        bar = progress.add_task("statements", total=len(ids))
        for user_id in ids:
            user = users.get(database, _CONTEXT, user_id)
            assert user is not None
            name = f"{user.wallet_number}-{period.first_day}-{period.last_day}.{file_format}"
            with _whole_file(out / name) as file:
                _wallet(database, settings, user_id, period, file_format, file, None)
            made += 1
            progress.update(bar, completed=made)
    if as_json:
        click.echo(json.dumps({"statements": made, "folder": str(out)}))
    else:
        click.echo(f"{made} statements are in {out}.")


def _verify(database: Database, suspect: Path, *, as_json: bool) -> None:
    digest, claimed = _read_claim(suspect)
    verdict, reference = judge_file(database, digest, claimed)
    if as_json:
        click.echo(json.dumps({"verdict": verdict, "reference": reference}))
    else:
        click.echo(
            {
                Verdict.GENUINE: f"Genuine: statement {reference}, byte for byte as issued.",
                Verdict.ALTERED: f"Altered: not the file issued as statement {reference}.",
                Verdict.UNKNOWN: "Unknown: no statement of ours.",
            }[verdict]
        )
    sys.exit(0 if verdict is Verdict.GENUINE else 1)


def _read_claim(suspect: Path) -> tuple[bytes, str | None]:
    """Return a file's SHA-256 and the reference that it, or its name, claims to have."""
    digest = hashlib.sha256()
    claimed = None
    tail = b""
    with suspect.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            found = _CLAIM.search(tail + chunk)
            claimed = found[1].decode() if found else claimed
            tail = chunk[-64:]
    if claimed is None:
        named = re.search(rf"-([{RECEIPT_ALPHABET}]{{10}})\.", suspect.name)
        claimed = named[1] if named else None
    return digest.digest(), claimed


def _report(made: MadeFile, where: str, *, as_json: bool) -> None:
    summary = made.summary
    if as_json:
        told = {"reference": made.issued.reference, "lines": summary.lines, "to": where}
        click.echo(json.dumps(told))
    else:
        click.echo(f"Statement {made.issued.reference}, {summary.lines:,} entries: {where}")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _bar(progress: Progress) -> Callable[[int, int], None]:
    task = progress.add_task("entries", total=None)
    return lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def _whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its place only when all of it is written."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
