"""The alphabet of SMS and USSD: how long a text is on the air, and how to keep it short.

GSM 03.38: most characters cost one septet, the extension table two; a single character
outside both makes the whole text UCS-2, which more than doubles its price.
"""

import re
import unicodedata

SMS_SEPTETS = 160
"""What one SMS carries; a longer text is sent and paid in parts of 153."""

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")
_ALL_BASIC = re.compile(f"[{re.escape(''.join(sorted(BASIC)))}]*")

_PLAIN = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u02bc": "'",
        "`": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2026": "...",
        "\u00a0": " ",
        "\t": " ",
        "[": "(",
        "{": "(",
        "]": ")",
        "}": ")",
        "~": "-",
        "^": "",
        "|": "/",
        "\\": "/",
    }
)


def septets(text: str) -> int | None:
    """Return the septets of a text, or None when GSM-7 can't carry it."""
    if _ALL_BASIC.fullmatch(text):
        return len(text)
    total = 0
    for character in text:
        if character in BASIC:
            total += 1
        elif character in EXTENDED:
            total += 2
        else:
            return None
    return total


def fits(text: str, septets_max: int = SMS_SEPTETS) -> bool:
    """Tell whether a text is GSM-7 and within a number of septets."""
    length = septets(text)
    return length is not None and length <= septets_max


def to_gsm7(text: str) -> str:
    """Write a text with one-septet characters only, for names and other words from outside.

    Accents that GSM-7 lacks are dropped, typographic signs become plain ones, what has no
    counterpart disappears.
    """
    if _ALL_BASIC.fullmatch(text):
        return text
    kept = []
    for character in unicodedata.normalize("NFC", text.translate(_PLAIN)):
        if character in BASIC:
            kept.append(character)
            continue
        base = unicodedata.normalize("NFKD", character)
        kept.extend(part for part in base if part in BASIC)
    return "".join(kept)
