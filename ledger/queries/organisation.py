"""The report on a day or a month of the whole organisation."""

from datetime import UTC, datetime, timedelta

from ledger.core.context import Context
from ledger.core.organisation import MailKind, OrganisationReport
from ledger.core.rules import NAIROBI
from ledger.core.statements import Period, StatementMismatchError, TrialBalance
from ledger.db import audit, organisation, outbox, reconciliation, statements
from ledger.db.engine import Database
from ledger.db.reconciliation import Run
from ledger.queries.verify import verify_ledger

_CONTEXT = Context.of_system("organisation-mail")
_PENDING_AGE = timedelta(hours=1)
_RUNS_TOLD = 5


def report(database: Database, kind: MailKind, period: Period) -> OrganisationReport:
    """Return all figures of one snapshot, and what the ledger's verification finds.

    Pending payments, suspense and earlier mails are as they stand now. A trial balance that
    does not balance is a finding: these are the days on which the mail matters.
    """
    findings = [f"{f.check}: {f.table} {f.key}: {f.problem}" for f in verify_ledger(database)]
    outbox.fill(database)
    with database.snapshot(_CONTEXT) as connection:
        balance = TrialBalance(period.last_day, statements.trial_balance(connection, period.end))
        try:
            balance.check()
        except StatementMismatchError as error:
            findings.append(str(error))
        joined, everyone, active = organisation.customer_counts(connection, period)
        pending, pending_count = organisation.pending_payments(
            connection, datetime.now(UTC) - _PENDING_AGE
        )
        suspense, suspense_count = organisation.suspense_payments(connection)
        return OrganisationReport(
            kind=kind,
            period=period,
            trial_balance=balance,
            volumes=organisation.volumes(connection, period),
            days=organisation.day_volumes(connection, period),
            new_customers=joined,
            customers=everyone,
            active_customers=active,
            failed=organisation.failed_payments(connection, period),
            pending=pending,
            pending_count=pending_count,
            suspense=suspense,
            suspense_count=suspense_count,
            undelivered=organisation.undelivered(connection, period),
            earlier_mails=organisation.earlier_mails(connection, period.first_day),
            reconciliation=tuple(
                _told(run) for run in reconciliation.newest_runs(connection, _RUNS_TOLD)
            ),
            findings=tuple(findings),
            seal=audit.latest_seal(connection),
        )


def _told(run: Run) -> str:
    """Say in one sentence how a reconciliation run ended."""
    when = run.requested_at.astimezone(NAIROBI)
    found = ", ".join(f"{count} {category}" for category, count in sorted(run.found.items()))
    return (
        f"Reconciliation {run.id} ({run.kind}) of {when:%Y-%m-%d %H:%M}: {run.state},"
        f" {found or 'nothing found'}" + (f", {run.problem}" if run.problem else "")
    )


def staff_addresses(database: Database) -> list[str]:
    """Return the addresses of active staff who answer for money."""
    with database.transaction(_CONTEXT) as connection:
        return organisation.staff_addresses(connection)
