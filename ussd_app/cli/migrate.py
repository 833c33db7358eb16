"""`cycle migrate`: the release step."""

import click

from ledger.db.migrate import head_revision, upgrade
from ussd_app.settings import Settings


@click.command()
def command() -> None:
    """Bring the database to the newest migration. Safe to run twice, also at once."""
    settings = Settings.load()
    owner_url = settings.database_owner_url or settings.database_url
    upgrade(owner_url.get_secret_value())
    click.echo(f"The database is at {head_revision()}.", err=True)
