"""The words of the organisation's mail, as text and as HTML with bars made of table cells."""

from collections.abc import Sequence
from html import escape

from jobs.statement.mail_texts import html_page, html_table
from jobs.statement.report_words import kind_name, seal_sentences, title_of
from ledger.core.money import kes
from ledger.core.organisation import OrganisationReport, Volume

_BAR_WIDTH = 160


def report_subject(report: OrganisationReport) -> str:
    """Return the subject; what needs a person stands in it."""
    marks = []
    if report.findings:
        marks.append("VERIFICATION FAILED")
    if report.suspense_count:
        marks.append(f"{report.suspense_count} in suspense")
    if report.pending_count:
        marks.append(f"{report.pending_count} without a verdict")
    return f"Cycle {title_of(report)}" + (f": {', '.join(marks)}" if marks else "")


def report_texts(report: OrganisationReport, notes: Sequence[str]) -> tuple[str, str]:
    """Return the mail's text and HTML. ``notes`` say what could not be attached."""
    figures = _figures(report)
    sentences = _sentences(report)
    width = max(len(label) for label, _ in figures)
    volumes = [f"{kind_name(v.name)}: {v.how_many:,}, {kes(v.amount)}" for v in report.volumes]
    parts = [
        title_of(report),
        "\n".join(f"{label:<{width}}  {value}" for label, value in figures),
        "Volumes by kind\n" + ("\n".join(volumes) or "No money moved."),
        "\n".join([*sentences, *notes]),
    ]
    html = (
        f"<h2>{escape(title_of(report))}</h2>"
        + _verdict(report)
        + html_table(figures)
        + "<h3>Volumes by kind</h3>"
        + _bars(report.volumes)
        + "<h3>For a person</h3><ul>"
        + "".join(f"<li>{escape(sentence)}</li>" for sentence in [*sentences, *notes])
        + "</ul>"
    )
    return "\n\n".join(parts) + "\n", html_page("en", html)


def _figures(report: OrganisationReport) -> list[tuple[str, str]]:
    return [
        ("M-Pesa float (books)", kes(report.balance_of("CASH"))),
        ("Held for customers", kes(report.balance_of("WALLETS"))),
        ("On hold", kes(report.balance_of("PENDING_WITHDRAWALS"))),
        ("Suspense", kes(report.balance_of("SUSPENSE"))),
        ("Fees earned so far", kes(report.balance_of("REVENUE_FEES"))),
        ("Customers", f"{report.customers:,} ({report.new_customers:,} new)"),
        ("Customers who moved money", f"{report.active_customers:,}"),
    ]


def _sentences(report: OrganisationReport) -> list[str]:
    told = [
        f"{report.pending_count:,} payments have waited for a verdict for more than an hour.",
        f"{report.suspense_count:,} payments are in suspense.",
        f"{sum(v.how_many for v in report.failed):,} payments failed or expired.",
        f"{sum(u.how_many for u in report.undelivered):,} messages were not delivered.",
    ]
    if report.findings:
        told += [f"Verification: {finding}" for finding in report.findings]
    else:
        told.append("The ledger was verified: every sum and the audit chain are right.")
    told += seal_sentences(report)
    told += report.reconciliation
    told += [
        f"The {mail.kind}'s mail of {mail.first_day} may not have arrived."
        for mail in report.earlier_mails
    ]
    return told


def _verdict(report: OrganisationReport) -> str:
    colour, told = "#0b7a4b", "Verified: every sum and the audit chain are right."
    if report.findings:
        colour, told = "#b3261e", f"Verification found {len(report.findings)} wrong."
    return (
        f'<p style="border-left:4px solid {colour};background:#f3f7f6;color:{colour};'
        f'padding:9px 14px;font-weight:bold">{told}</p>'
    )


def _bars(volumes: Sequence[Volume]) -> str:
    if not volumes:
        return "<p>No money moved.</p>"
    most = max(volume.amount for volume in volumes) or 1
    rows = []
    for volume in volumes:
        width = max(2, _BAR_WIDTH * volume.amount // most)
        rows.append(
            '<tr><td style="padding:4px 14px 4px 0;white-space:nowrap">'
            f"{escape(kind_name(volume.name))}</td>"
            f'<td style="width:{_BAR_WIDTH}px"><div style="background:#0b5f53;height:14px;'
            f'width:{width}px"></div></td><td style="padding-left:10px;white-space:nowrap">'
            f"{kes(volume.amount)} &middot; {volume.how_many:,}</td></tr>"
        )
    return f'<table style="border-collapse:collapse">{"".join(rows)}</table>'
