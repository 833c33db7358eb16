"""What the people who run Cycle are told every morning and every month. Amounts are cents."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

from ledger.core.rules import NAIROBI
from ledger.core.statements import Period, TrialBalance

MAIL_TIME = time(6, 30)
"""When a day's mail, and on the first a month's, is due in Nairobi."""
DAYS_CAUGHT_UP_MAX = 31
MONTHS_CAUGHT_UP_MAX = 12


class MailKind(StrEnum):
    """Which stretch an organisation mail is about."""

    DAY = "day"
    MONTH = "month"


class Volume(NamedTuple):
    """What one kind of transaction, or one day, moved."""

    name: str
    how_many: int
    amount: int


class OpenPayment(NamedTuple):
    """A payment that somebody may have to look at; the number is masked."""

    id: int
    kind: str
    state: str
    msisdn: str
    amount: int
    at: datetime
    reason: str


class Undelivered(NamedTuple):
    """Messages of one template that did not arrive, or still wait."""

    channel: str
    template: str
    state: str
    how_many: int


class EarlierMail(NamedTuple):
    """An organisation mail that may not have arrived."""

    kind: str
    first_day: date
    state: str
    reason: str


class AuditSeal(NamedTuple):
    """The newest link of the audit chain; ``digest`` is hexadecimal.

    A copy outside the database shows that the rows before it were not rewritten since.
    """

    number: int
    sealed_at: datetime
    digest: str


@dataclass(frozen=True, slots=True)
class OrganisationReport:
    """One day, or one month, of the whole organisation.

    Lists hold the oldest few; ``*_count`` says how many there are in all. ``findings`` are
    what the ledger's verification found wrong, ``reconciliation`` the newest runs in words.
    """

    kind: MailKind
    period: Period
    trial_balance: TrialBalance
    volumes: tuple[Volume, ...]
    days: tuple[Volume, ...]
    new_customers: int
    customers: int
    active_customers: int
    failed: tuple[Volume, ...]
    pending: tuple[OpenPayment, ...]
    pending_count: int
    suspense: tuple[OpenPayment, ...]
    suspense_count: int
    undelivered: tuple[Undelivered, ...]
    earlier_mails: tuple[EarlierMail, ...]
    reconciliation: tuple[str, ...]
    findings: tuple[str, ...]
    seal: AuditSeal | None

    def balance_of(self, code: str) -> int:
        """Return an account's cents on whichever side they stand."""
        return sum(row.debit + row.credit for row in self.trial_balance.rows if row.code == code)

    @property
    def needs_attention(self) -> bool:
        """Tell whether a person should act."""
        return bool(self.findings or self.suspense_count or self.pending_count)


def due_periods(
    kind: MailKind, installed_on: date, newest: date | None, now: datetime
) -> list[Period]:
    """Return the stretches whose mail is due and not yet on record, oldest first.

    ``newest`` is the first day of the newest one on record. A machine that was off catches
    up, at most a month of days or a year of months.
    """
    local = now.astimezone(NAIROBI)
    today = local.date() if local.time() >= MAIL_TIME else local.date() - timedelta(days=1)
    if kind is MailKind.DAY:
        first = installed_on if newest is None else newest + timedelta(days=1)
        first = max(first, today - timedelta(days=DAYS_CAUGHT_UP_MAX))
        days = (today - first).days
        return [
            Period(day, day) for day in (first + timedelta(days=n) for n in range(max(days, 0)))
        ]
    month = Period.of_month(installed_on if newest is None else newest)
    if newest is not None:
        month = Period.of_month(month.last_day + timedelta(days=1))
    months = []
    while month.last_day < today:
        months.append(month)
        month = Period.of_month(month.last_day + timedelta(days=1))
    return months[-MONTHS_CAUGHT_UP_MAX:]
