"""What a statement says: a period of Nairobi days, sums by day, lines, proof that they agree.

All amounts are cents. A statement is written from an account's own side: money in makes its
balance grow, whichever of debit and credit that is for the account.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

from ledger.core.refusals import Refusal, RefusalCode
from ledger.core.rules import NAIROBI

PERIOD_YEARS_MAX = 7
"""How far one statement reaches: as long as Kenyan law has books kept."""
STATEMENTS_PER_DAY_MAX = 5
"""How many statements a customer may have mailed on one Nairobi day."""
_PERIOD_DAYS_MAX = PERIOD_YEARS_MAX * 366


class StatementMismatchError(Exception):
    """The sums of a statement disagree, so it must not reach anyone. Shows account and cents."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole calendar days in Nairobi, the first and the last included."""

    first_day: date
    last_day: date

    @classmethod
    def between(cls, first_day: date, last_day: date, today: date) -> "Period | Refusal":
        """Return the period, or refuse one that is reversed, not yet begun or too long."""
        problem = None
        if last_day < first_day:
            problem = "reversed"
        elif first_day > today:
            problem = "future"
        elif (last_day - first_day).days >= _PERIOD_DAYS_MAX:
            problem = "too_long"
        if problem is not None:
            details: dict[str, int | str] = {"problem": problem, "years": PERIOD_YEARS_MAX}
            return Refusal(RefusalCode.PERIOD_INVALID, details)
        return cls(first_day, last_day)

    @classmethod
    def of_month(cls, day: date) -> "Period":
        """Return the calendar month around a day."""
        first = day.replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
        return cls(first, after - timedelta(days=1))

    @property
    def start(self) -> datetime:
        """Return the first moment inside."""
        return datetime.combine(self.first_day, time(), NAIROBI).astimezone(UTC)

    @property
    def end(self) -> datetime:
        """Return the first moment after: 24:00 in Nairobi on the last day."""
        after = self.last_day + timedelta(days=1)
        return datetime.combine(after, time(), NAIROBI).astimezone(UTC)

    @property
    def days(self) -> int:
        """Return how many calendar days it has."""
        return (self.last_day - self.first_day).days + 1


class DaySum(NamedTuple):
    """One day's movements on an account, in cents; ``fees`` are part of ``money_out``."""

    day: date
    money_in: int
    money_out: int
    fees: int
    lines: int


class Line(NamedTuple):
    """One posting as a statement shows it. ``at`` is Nairobi's wall clock, without a zone.

    ``fee`` is the part of ``money_out`` that was a fee (negative where one came back). A
    counterparty is two names and a masked number; ``mpesa_receipt`` and ``note`` may be None.
    """

    at: datetime
    receipt: str
    kind: str
    money_in: int
    money_out: int
    balance: int
    fee: int
    name: str | None
    number: str | None
    mpesa_receipt: str | None
    note: str | None


class Hold(NamedTuple):
    """Money that has left a wallet and waits for M-Pesa's verdict at the end of the period."""

    at: datetime
    receipt: str
    amount: int


@dataclass(frozen=True, slots=True)
class Summary:
    """All of a statement but its lines: enough for the first page and the charts.

    ``opening`` and ``closing`` come from the ledger's running balances, the day sums from the
    postings between: two roads that must meet.
    """

    account_id: int
    account_code: str
    number: str
    name: str
    msisdn: str | None
    language: str
    period: Period
    opening: int
    closing: int
    days: tuple[DaySum, ...]
    holds: tuple[Hold, ...]

    @property
    def money_in(self) -> int:
        """Return the cents that came in."""
        return sum(day.money_in for day in self.days)

    @property
    def money_out(self) -> int:
        """Return the cents that went out, fees included."""
        return sum(day.money_out for day in self.days)

    @property
    def fees(self) -> int:
        """Return the cents of fees in what went out."""
        return sum(day.fees for day in self.days)

    @property
    def lines(self) -> int:
        """Return how many lines there are."""
        return sum(day.lines for day in self.days)

    @property
    def held(self) -> int:
        """Return the cents that wait for a verdict; they are not in the closing balance."""
        return sum(hold.amount for hold in self.holds)

    def check(self) -> None:
        """Raise StatementMismatchError unless opening + in - out = closing."""
        if self.opening + self.money_in - self.money_out != self.closing:
            raise StatementMismatchError(
                f"account {self.account_id}: {self.opening} + {self.money_in} - {self.money_out}"
                f" is not {self.closing}"
            )


@dataclass(frozen=True, slots=True)
class IssuedStatement:
    """A statement under its reference: whose, which days, in what form, and where it is mailed.

    ``user_id`` is None for the organisation's own accounts, ``recipient`` for a download.
    """

    id: int
    user_id: int | None
    account_id: int
    period: Period
    reference: str
    format: str
    language: str
    recipient: str | None
    attempts: int
    created_at: datetime


class Verdict(StrEnum):
    """What can be said of a file that claims to be a statement."""

    GENUINE = "genuine"
    ALTERED = "altered"
    """We issued a statement under its reference, but not this file."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Statement:
    """A checked summary and its lines in order of time, to be read once."""

    summary: Summary
    lines: Iterable[Line]

    def checked_lines(self) -> Iterator[Line]:
        """Yield the lines, each continuing the balance of the one before.

        Raises StatementMismatchError at the first that does not, or at the end when there
        are more or fewer lines than the summary counts.
        """
        balance = self.summary.opening
        count = 0
        for line in self.lines:
            balance += line.money_in - line.money_out
            if balance != line.balance:
                raise StatementMismatchError(
                    f"account {self.summary.account_id}: {line.receipt} leaves {line.balance},"
                    f" not {balance}"
                )
            count += 1
            yield line
        if count != self.summary.lines or balance != self.summary.closing:
            raise StatementMismatchError(
                f"account {self.summary.account_id}: {count} lines end at {balance}, the summary"
                f" has {self.summary.lines} and {self.summary.closing}"
            )


@dataclass(frozen=True, slots=True)
class CopiedStatement:
    """A checked summary and its lines as rows of CSV, as PostgreSQL writes them; read once.

    Each row ends in a line feed and has moment (Nairobi's wall clock), receipt, kind,
    description, name, number, M-Pesa receipt, note, money in, money out, fee and balance.
    Amounts are shillings with two decimals; the balance is empty for an account without
    running balances. Nobody has compared the balances yet.
    """

    summary: Summary
    rows: Iterable[bytes]


class TrialBalanceRow(NamedTuple):
    """One account's, or all wallets', balance in the column of its side. Cents, one is zero."""

    code: str
    name: str
    debit: int
    credit: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Every balance at the end of a Nairobi day."""

    last_day: date
    rows: tuple[TrialBalanceRow, ...]

    @property
    def debits(self) -> int:
        """Return the sum of the debit column."""
        return sum(row.debit for row in self.rows)

    @property
    def credits(self) -> int:
        """Return the sum of the credit column."""
        return sum(row.credit for row in self.rows)

    def check(self) -> None:
        """Raise StatementMismatchError unless both columns are equal."""
        if self.debits != self.credits:
            raise StatementMismatchError(
                f"trial balance of {self.last_day}: {self.debits} debit, {self.credits} credit"
            )
