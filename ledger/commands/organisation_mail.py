"""Keep the record of the organisation's mail: what is due, taken, sent, or in doubt."""

from datetime import UTC, datetime, timedelta

from ledger.core.context import Context
from ledger.core.organisation import MailKind, due_periods
from ledger.core.statements import Period
from ledger.db import organisation
from ledger.db.engine import Connection, Database
from ledger.db.organisation import MailRow

_LEASE = timedelta(minutes=15)
_CONTEXT = Context.of_system("organisation-mail")


def plan(database: Database, now: datetime | None = None) -> None:
    """Put every mail that is due by now on record, also those of days when nothing ran."""
    moment = now or datetime.now(UTC)

    def work(connection: Connection) -> None:
        installed = organisation.installed_on(connection)
        for kind in MailKind:
            newest = organisation.newest_mail(connection, kind)
            for period in due_periods(kind, installed, newest, moment):
                organisation.plan_mail(connection, kind, period)
        organisation.give_up_on_interrupted(connection, _LEASE)

    database.run(_CONTEXT, work)


def claim(database: Database) -> MailRow | None:
    """Take the oldest mail that is to be sent, for fifteen minutes."""
    return database.run(_CONTEXT, lambda connection: organisation.claim_mail(connection, _LEASE))


def begin_sending(database: Database, mail: MailRow, key: str) -> bool:
    """Mark a mail as perhaps out, just before it goes; False when it is no longer ours."""
    return database.run(
        _CONTEXT, lambda connection: organisation.begin_sending(connection, mail, key)
    )


def settle(
    database: Database,
    mail: MailRow,
    state: str,
    reason: str | None = None,
    wait: timedelta = timedelta(0),
) -> None:
    """Write what became of a mail: ``sent``, ``unknown``, ``failed``, or ``queued`` again."""
    database.run(
        _CONTEXT,
        lambda connection: organisation.settle_mail(connection, mail.id, state, reason, wait),
    )


def mark_sent_by_hand(database: Database, kind: MailKind, period: Period) -> None:
    """Note that a person has sent a mail that is on record, so that nobody sends it again."""
    database.run(_CONTEXT, lambda connection: organisation.mark_sent(connection, kind, period))
