"""What the console's pages show."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.core.context import Context
from ledger.core.msisdn import parse_msisdn
from ledger.core.people import User
from ledger.core.reconciliation import window_of_day
from ledger.core.rules import nairobi_day
from ledger.db import accounts, console, outbox, users
from ledger.db.console import (
    AuditLine,
    Backlog,
    FloatLine,
    Happening,
    LimitLine,
    PaymentLine,
    TariffLine,
    Volume,
)
from ledger.db.engine import Database

PAGE = 50
_CHART_SPAN = timedelta(hours=23)


@dataclass(frozen=True, slots=True)
class Today:
    """The first page: what moved since midnight in Nairobi, what waits, what is held where."""

    volumes: list[Volume]
    hourly: list[int]
    backlogs: list[Backlog]
    floats: list[FloatLine]
    system: dict[str, int]
    wallets: int

    @property
    def difference(self) -> int:
        """Return assets less liabilities, which the ledger keeps at zero."""
        owed = sum(
            cents
            for name, cents in self.system.items()
            if name not in ("CASH", "EXPENSE_MPESA_CHARGES")
        )
        return self.system["CASH"] + self.system["EXPENSE_MPESA_CHARGES"] - owed - self.wallets


def today(database: Database, context: Context, now: datetime) -> Today:
    """Return the figures of the Nairobi day so far."""
    start = window_of_day(nairobi_day(now)).start
    outbox.fill(database)
    with database.transaction(context) as connection:
        return Today(
            volumes=console.volumes_since(connection, start),
            hourly=console.hourly_counts(connection, now - _CHART_SPAN),
            backlogs=console.backlogs(connection),
            floats=console.newest_float(connection),
            system={a.name: cents for a, cents in accounts.system_balances(connection).items()},
            wallets=accounts.wallets_total(connection),
        )


def search(database: Database, context: Context, text: str) -> list[User]:
    """Return customers by phone in any spelling, or by a reference of ours or of M-Pesa."""
    msisdn = parse_msisdn(text)
    with database.transaction(context) as connection:
        if msisdn is not None:
            found = [users.find_by_msisdn(connection, msisdn)]
        else:
            ids = console.customers_of_reference(connection, text.strip().upper())
            found = [users.get(connection, user_id) for user_id in ids]
    return [user for user in found if user is not None]


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """A customer with the balance in cents and what happened lately."""

    user: User
    balance: int
    happenings: list[Happening]


def customer(database: Database, context: Context, user_id: int) -> CustomerPage | None:
    """Return all that support needs about a customer."""
    outbox.fill(database)
    with database.transaction(context) as connection:
        user = users.get(connection, user_id)
        if user is None:
            return None
        return CustomerPage(
            user,
            accounts.wallet_balance(connection, user_id) or 0,
            console.timeline(connection, user_id, user.wallet_account_id, user.msisdn, 100),
        )


def payments(database: Database, context: Context, state: str, before_id: int) -> list[PaymentLine]:
    """Return a page of payments in a state, newest first."""
    with database.transaction(context) as connection:
        return console.payments_in(connection, state, before_id, PAGE)


def suspense(database: Database, context: Context) -> list[PaymentLine]:
    """Return money that waits for a person, oldest first."""
    with database.transaction(context) as connection:
        return console.in_suspense(connection, 200)


def audit_trail(
    database: Database,
    context: Context,
    *,
    before_id: int,
    actor: str | None,
    action: str | None,
) -> list[AuditLine]:
    """Return a page of the audit trail, newest first."""
    with database.transaction(context) as connection:
        return console.audit_trail(
            connection, before_id=before_id, actor=actor, action=action, limit=PAGE
        )


def rules(database: Database, context: Context) -> tuple[list[LimitLine], list[TariffLine]]:
    """Return every limit and tariff with the moment from which it holds."""
    with database.transaction(context) as connection:
        return console.limit_lines(connection), console.tariff_lines(connection)
