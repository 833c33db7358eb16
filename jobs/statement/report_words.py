"""Words that the organisation's report has in common with the mail that brings it."""

from jobs.statement.words import show_date
from ledger.core.organisation import MailKind, OrganisationReport
from ledger.core.rules import NAIROBI

TITLES = {MailKind.DAY: "Day report", MailKind.MONTH: "Month report"}


def title_of(report: OrganisationReport) -> str:
    """Return what the report is called: ``Day report, 22 Nov 2026``."""
    return f"{TITLES[report.kind]}, {period_of(report)}"


def period_of(report: OrganisationReport) -> str:
    """Return the day, or the month's first and last."""
    first, last = report.period.first_day, report.period.last_day
    if first == last:
        return show_date(first, "en")
    return f"{show_date(first, 'en')} - {show_date(last, 'en')}"


def kind_name(kind: str) -> str:
    """Show a stored word to people: ``withdrawal_hold`` becomes ``Withdrawal hold``."""
    return kind.replace("_", " ").capitalize()


def seal_sentences(report: OrganisationReport) -> list[str]:
    """Return the newest seal of the audit chain in words, a copy that no one here can alter."""
    seal = report.seal
    if seal is None:
        return ["The audit trail has no seal yet."]
    when = seal.sealed_at.astimezone(NAIROBI)
    return [
        f"The newest seal of the audit trail is number {seal.number}"
        f" of {show_date(when, 'en')} {when:%H:%M}:",
        seal.digest,
    ]
