"""One-time codes: six digits derived from a nonce, so that none is stored anywhere.

The row and the outbox message carry the nonce; only a process that knows PIN_PEPPER can
turn it into the digits, when it renders the SMS or checks what the customer typed.
"""

import hashlib
import hmac
import secrets

from ledger.core.pins import PIN_LENGTH

CODE_DIGITS = 6
NONCE_BYTES = 16


def new_nonce() -> bytes:
    """Return what a fresh code is derived from."""
    return secrets.token_bytes(NONCE_BYTES)


def code_of(pepper: str, nonce: bytes) -> str:
    """Return the six digits that belong to a nonce."""
    digest = hmac.digest(pepper.encode(), b"one-time code:" + nonce, hashlib.sha256)
    return f"{int.from_bytes(digest) % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def start_pin_of(pepper: str, nonce: bytes) -> str:
    """Return the four digits of a one-time start PIN."""
    digest = hmac.digest(pepper.encode(), b"start pin:" + nonce, hashlib.sha256)
    return f"{int.from_bytes(digest) % 10**PIN_LENGTH:0{PIN_LENGTH}d}"


def matches(pepper: str, nonce: bytes, typed: str) -> bool:
    """Tell, in constant time, whether the typed digits are the nonce's."""
    return hmac.compare_digest(code_of(pepper, nonce).encode(), typed.encode())
