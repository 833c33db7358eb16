"""The words of the mail that carries a statement, as text and as HTML."""

from collections.abc import Sequence
from html import escape

from jobs.statement.words import WORDS, show_count, show_date
from ledger.core.money import kes
from ledger.core.statements import Summary

_GREETINGS = {
    "en": "Hello {name},\n\nattached is your Cycle statement from {first} to {last}.",
    "sw": "Habari {name},\n\ntaarifa yako ya Cycle ya {first} hadi {last} imeambatishwa.",
}
_CLOSINGS = {
    "en": "To check that the file is genuine, open {url} and choose it there.\n"
    "Cycle never asks for your PIN.",
    "sw": "Kuhakiki kwamba faili ni halisi, fungua {url} kisha uichague.\n"
    "Cycle haitakuuliza PIN yako kamwe.",
}
_SUBJECTS = {
    "en": "Your Cycle statement, {first} to {last}",
    "sw": "Taarifa yako ya Cycle, {first} hadi {last}",
}
_CELL = "padding:7px 12px;border-bottom:1px solid #d9dfe3"
_STRONG = "background:#d6eae5;font-size:17px"


def statement_mail(summary: Summary, reference: str, url: str) -> tuple[str, str, str]:
    """Return subject, text and HTML; the HTML loads nothing from anywhere."""
    language = summary.language
    words = WORDS[language]
    values = {
        "name": summary.name,
        "first": show_date(summary.period.first_day, language),
        "last": show_date(summary.period.last_day, language),
        "url": url,
    }
    rows = [
        (words.opening, kes(summary.opening)),
        (words.money_in, kes(summary.money_in)),
        (words.money_out, kes(summary.money_out)),
        (words.closing, kes(summary.closing)),
        (words.details, show_count(summary.lines, words)),
        (words.reference, reference),
    ]
    greeting = _GREETINGS[language].format(**values)
    closing = _CLOSINGS[language].format(**values)
    width = max(len(label) for label, _ in rows)
    table = "\n".join(f"{label:<{width}}  {value}" for label, value in rows)
    return (
        _SUBJECTS[language].format(**values),
        f"{greeting}\n\n{table}\n\n{closing}\n",
        html_page(
            language,
            _paragraphs(greeting) + html_table(rows, strong=words.closing) + _paragraphs(closing),
        ),
    )


def html_page(language: str, body: str) -> str:
    """Return a mail's page around its body, which is HTML already."""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"></head>'
        '<body style="margin:0;padding:24px 12px;background:#f3f7f6;'
        "font-family:Helvetica,Arial,sans-serif;color:#17212b;font-size:15px;"
        'line-height:1.5"><div style="max-width:640px;margin:0 auto;background:#ffffff">'
        '<div style="background:#0b5f53;color:#ffffff;padding:18px 28px;font-size:22px;'
        'font-weight:bold;border-bottom:4px solid #e08a2b">Cycle</div>'
        f'<div style="padding:12px 28px 28px">{body}</div></div></body></html>'
    )


def html_table(rows: Sequence[tuple[str, str]], *, strong: str = "") -> str:
    """Return labels and figures as an HTML table; the row named ``strong`` stands out."""
    cells = "".join(
        f'<tr style="{_STRONG if label == strong else ""}">'
        f'<td style="{_CELL};color:#66727f">{escape(label)}</td>'
        f'<td style="{_CELL};text-align:right;font-weight:bold">{escape(value)}</td></tr>'
        for label, value in rows
    )
    return f'<table style="border-collapse:collapse;width:100%">{cells}</table>'


def _paragraphs(text: str) -> str:
    parts = escape(text).split("\n\n")
    return "".join("<p>" + part.replace("\n", "<br>") + "</p>" for part in parts)
