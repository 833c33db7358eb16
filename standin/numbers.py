"""Phone numbers as the stand-in's routes take them: ``2547XXXXXXXX``."""

import re

_MSISDN = re.compile(r"254[17][0-9]{8}")
_LOCAL = re.compile(r"(?:\+?254|0)?([17][0-9]{8})")


def is_msisdn(text: str) -> bool:
    """Whether the text is a Kenyan mobile number in full."""
    return _MSISDN.fullmatch(text) is not None


def to_msisdn(text: str) -> str | None:
    """Return the full number for what a person types (``0712 345 678``), or None."""
    match = _LOCAL.fullmatch(re.sub(r"[ -]", "", text))
    return f"254{match[1]}" if match else None
