"""`cycle organisation-mail`: the organisation's day or month, at once."""

from datetime import UTC, datetime
from pathlib import Path

import click

from jobs.clients.africastalking import Outcome
from jobs.clients.mail import MailClient
from jobs.organisation_pack import Pack, make_pack
from jobs.statement.report_mail import report_subject
from jobs.tasks.send_organisation_mail import compose, key_of, recipients_of
from ledger.commands.organisation_mail import mark_sent_by_hand
from ledger.core.organisation import MailKind
from ledger.core.refusals import Refusal
from ledger.core.rules import nairobi_day
from ledger.core.statements import Period
from ledger.db.engine import Database
from ussd_app.settings import Settings


@click.command()
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="A day in Nairobi.")
@click.option("--month", type=click.DateTime(["%Y-%m"]), help="A month, instead of --day.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write report and statements to this folder."
)
@click.option("--send", is_flag=True, help="Mail it to ADMIN_EMAILS and the staff, also again.")
def command(*, day: datetime | None, month: datetime | None, out: Path | None, send: bool) -> None:
    """Make the mail of a day or month now: to look at, or to send one that went astray."""
    if (day is None) == (month is None):
        raise click.UsageError("give one of --day and --month")
    if (out is None) != send:
        raise click.UsageError("give one of --out and --send")
    kind = MailKind.MONTH if month else MailKind.DAY
    period = _period(day, month)
    settings = Settings.load()
    database = Database.from_settings(settings)
    try:
        pack = make_pack(database, kind, period, settings.public_url)
        if out is not None:
            _write(pack, out)
        else:
            _send(database, settings, pack)
    finally:
        database.close()


def _period(day: datetime | None, month: datetime | None) -> Period:
    chosen = (day or month or datetime.now(UTC)).date()
    whole = Period.of_month(chosen) if month else Period(chosen, chosen)
    period = Period.between(whole.first_day, whole.last_day, nairobi_day(datetime.now(UTC)))
    if isinstance(period, Refusal):
        raise click.UsageError("that lies in the future")
    return period


def _write(pack: Pack, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in pack.files:
        (folder / file.filename).write_bytes(file.content)
        click.echo(folder / file.filename)
    for note in pack.notes:
        click.echo(note, err=True)


def _send(database: Database, settings: Settings, pack: Pack) -> None:
    recipients = recipients_of(settings, database)
    if not recipients:
        raise click.ClickException("nobody is in ADMIN_EMAILS or among the staff")
    kind, period = pack.report.kind, pack.report.period
    mail = compose(pack, recipients, key_of(kind, period))
    answer = MailClient.from_settings(settings).send(mail)
    if answer.outcome is not Outcome.ACCEPTED:
        raise click.ClickException(f"the mail server did not take it: {answer.reason}")
    mark_sent_by_hand(database, kind, period)
    click.echo(f"{report_subject(pack.report)}: sent to {len(recipients)}.")
