"""Everything that goes into one organisation mail: the report and the files beside it."""

import io
from dataclasses import dataclass
from datetime import UTC, datetime

from jobs.clients.mail import Attachment
from jobs.statement.csv_file import render_trial_balance_csv
from jobs.statements import MEDIA_TYPES, make_system_statement
from ledger.core.chart import SystemAccount
from ledger.core.context import Context
from ledger.core.organisation import MailKind, OrganisationReport
from ledger.core.statements import Period, StatementMismatchError
from ledger.db.engine import Database
from ledger.queries.organisation import report as read_report

ATTACHMENTS_BYTES_MAX = 18 * 1024 * 1024
"""What mail servers take, usually 25 MB, is counted after base64."""
_CONTEXT = Context.of_system("organisation-mail")


@dataclass(frozen=True, slots=True)
class Pack:
    """A report and its files; ``notes`` say which are missing and why."""

    report: OrganisationReport
    files: tuple[Attachment, ...]
    notes: tuple[str, ...]


def make_pack(database: Database, kind: MailKind, period: Period, public_url: str) -> Pack:
    """Return the report with trial balance and float statement, each as PDF and CSV.

    A float statement that is too large for mail, or whose sums disagree, is left out.
    """
    from jobs.statement.report_pdf import render_report  # here, as fpdf takes long to import

    report = read_report(database, kind, period)
    stem = f"{period.first_day}" if kind is MailKind.DAY else f"{period.first_day:%Y-%m}"
    pdf = io.BytesIO()
    render_report(report, datetime.now(UTC), pdf)
    trial = io.BytesIO()
    render_trial_balance_csv(report.trial_balance, trial)
    files = [
        Attachment(f"cycle-report-{stem}.pdf", MEDIA_TYPES["pdf"], pdf.getvalue()),
        Attachment(f"cycle-trial-balance-{stem}.csv", MEDIA_TYPES["csv"], trial.getvalue()),
    ]
    notes = []
    room = ATTACHMENTS_BYTES_MAX - sum(len(file.content) for file in files)
    for file_format in ("csv", "pdf"):
        try:
            file = _float_statement(database, period, file_format, public_url)
        except StatementMismatchError as error:
            notes.append(f"There is no float statement as {file_format}: {error}.")
            continue
        if len(file.content) > room:
            notes.append(f"{file.filename} is too large for mail; `cycle statement` makes it.")
            continue
        room -= len(file.content)
        files.append(file)
    return Pack(report, tuple(files), tuple(notes))


def _float_statement(
    database: Database, period: Period, file_format: str, public_url: str
) -> Attachment:
    out = io.BytesIO()
    made = make_system_statement(
        database,
        _CONTEXT,
        SystemAccount.CASH,
        period,
        file_format=file_format,
        public_url=public_url,
        out=out,
    )
    return Attachment(made.filename, made.media_type, out.getvalue())
