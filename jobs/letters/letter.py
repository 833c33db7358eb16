"""A letter as a value, and how it looks as plain text and as HTML.

The HTML has no picture, no script and no address but Cycle's own words: nothing that tells
anybody who opened it. Every value is escaped.
"""

from dataclasses import dataclass
from html import escape

from jobs.clients.mail import Attachment

_INK, _MUTED, _RULE, _PAPER, _BRAND = "#17212b", "#66727f", "#d9dfe3", "#f3f7f6", "#0b5f53"
_FONT = "font-family:Helvetica,Arial,sans-serif"


@dataclass(frozen=True, slots=True)
class Letter:
    """Words in the reader's language. ``rows`` are label and value; ``figure`` stands out."""

    language: str
    subject: str
    heading: str
    paragraphs: tuple[str, ...]
    figure: str | None = None
    rows: tuple[tuple[str, str], ...] = ()
    attachments: tuple[Attachment, ...] = ()


_FOOT = {
    "en": "Cycle never asks for your PIN, by e-mail or otherwise. Dial {code} for your wallet.",
    "sw": "Cycle haiombi PIN yako kamwe, kwa barua pepe au vinginevyo. Piga {code} kwa akaunti"
    " yako.",
}


def foot(language: str, ussd_code: str) -> str:
    """Return the line under every letter."""
    return _FOOT["sw" if language == "sw" else "en"].format(code=ussd_code)


def as_text(letter: Letter, foot_line: str) -> str:
    """Return a letter for readers of plain text."""
    width = max((len(label) for label, _ in letter.rows), default=0)
    blocks = [letter.heading, *letter.paragraphs]
    if letter.figure is not None:
        blocks.insert(1, letter.figure)
    if letter.rows:
        blocks.append(
            "\n".join(f"{label + ':':<{width + 2}}{value}" for label, value in letter.rows)
        )
    blocks += ["-- \n" + foot_line]
    return "\n\n".join(blocks) + "\n"


def as_html(letter: Letter, foot_line: str) -> str:
    """Return a letter in Cycle's colours."""
    return f"""<!DOCTYPE html>
<html lang="{escape(letter.language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(letter.subject)}</title>
</head>
<body style="margin:0;padding:24px 12px;background:{_PAPER};{_FONT};color:{_INK}">
<table role="presentation" align="center" width="100%" cellpadding="0" cellspacing="0"
 style="max-width:560px;background:#ffffff;border:1px solid {_RULE};border-radius:8px">
<tr><td style="padding:20px 28px;background:{_BRAND};border-radius:8px 8px 0 0;color:#ffffff;
font-size:20px;font-weight:bold">Cycle</td></tr>
<tr><td style="padding:24px 28px">
<h1 style="margin:0 0 12px;font-size:20px">{escape(letter.heading)}</h1>
{_figure(letter.figure)}{_paragraphs(letter.paragraphs)}{_rows(letter.rows)}
</td></tr>
<tr><td style="padding:16px 28px;border-top:1px solid {_RULE};font-size:12px;color:{_MUTED}">
{escape(foot_line)}</td></tr>
</table>
</body>
</html>
"""


def _figure(figure: str | None) -> str:
    if figure is None:
        return ""
    style = f"margin:0 0 12px;font-size:30px;font-weight:bold;color:{_BRAND}"
    return f'<p style="{style}">{escape(figure)}</p>\n'


def _paragraphs(paragraphs: tuple[str, ...]) -> str:
    style = "margin:0 0 12px;font-size:15px;line-height:1.5"
    return "".join(f'<p style="{style}">{escape(words)}</p>\n' for words in paragraphs)


def _rows(rows: tuple[tuple[str, str], ...]) -> str:
    if not rows:
        return ""
    label_style = f"padding:8px 12px 8px 0;text-align:left;font-weight:normal;color:{_MUTED}"
    value_style = "padding:8px 0;text-align:right"
    lines = "".join(
        f'<tr style="border-top:1px solid {_RULE}"><th scope="row" style="{label_style}">'
        f'{escape(label)}</th><td style="{value_style}">{escape(value)}</td></tr>\n'
        for label, value in rows
    )
    style = "width:100%;border-collapse:collapse;font-size:14px"
    return f'<table style="{style}">\n{lines}</table>\n'
