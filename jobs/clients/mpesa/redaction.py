"""Take secrets out of what Daraja says, before anything is logged or stored.

Daraja repeats the bearer token in some error texts (1.2), and a queue timeout echoes the
whole request with its SecurityCredential (1.8).
"""

import re

REDACTED = "[redacted]"
_SECRET_KEYS = (
    rb"Security\s*Credential|Password|Passkey|access_token|Initiator\s*Password|"
    rb"Authorization|consumer_?secret"
)
_JSON_SECRET = re.compile(
    rb'("(?:' + _SECRET_KEYS + rb')"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,}\]]+)', re.IGNORECASE
)
_FORM_SECRET = re.compile(rb"((?:" + _SECRET_KEYS + rb")=)[^&\s]*", re.IGNORECASE)
_TOKEN_IN_TEXT = re.compile(
    r"(Invalid Access Token\s*[-:]\s*)\S+|(Bearer\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE
)


def redact_bytes(body: bytes) -> bytes:
    """Return a raw body with the values of secret fields replaced, its shape kept."""
    body = _JSON_SECRET.sub(rb'\1"' + REDACTED.encode() + rb'"', body)
    return _FORM_SECRET.sub(rb"\1" + REDACTED.encode(), body)


def redact_text(text: str, *known_secrets: str, length_max: int = 200) -> str:
    """Return a text fit for logs and rows: known secrets and tokens hidden, one line, short."""
    for secret in known_secrets:
        if secret:
            text = text.replace(secret, REDACTED)
    text = _TOKEN_IN_TEXT.sub(lambda match: (match[1] or match[2]) + REDACTED, text)
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(printable.split())[:length_max]
