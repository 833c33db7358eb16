"""Second factors of staff (RFC 6238) and how their secrets rest: sealed, never in clear."""

import base64
import hashlib
import hmac
import time

import pyotp
from cryptography.fernet import Fernet

ISSUER = "Cycle"
_STEP_SECONDS = 30
_DRIFT_STEPS = 1


class TotpSealer:
    """Seals and opens the secrets of second factors with a key derived from SECRET_KEY."""

    def __init__(self, secret_key: str) -> None:
        key = hmac.digest(secret_key.encode(), b"staff second factor", hashlib.sha256)
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def seal(self, secret: str) -> str:
        """Return the text to store for a secret."""
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return the secret behind a stored text."""
        return self._fernet.decrypt(sealed.encode()).decode()


def new_secret() -> str:
    """Return a fresh secret in base 32."""
    return pyotp.random_base32()


def enrolment_address(secret: str, email: str) -> str:
    """Return the ``otpauth://`` address that an authenticator app takes."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def matching_step(secret: str, typed: str) -> int | None:
    """Return the time step whose code was typed, one step of drift allowed; None when none is.

    The caller refuses a step that is not newer than the last one used.
    """
    current = int(time.time()) // _STEP_SECONDS
    generator = pyotp.TOTP(secret)
    for step in range(current - _DRIFT_STEPS, current + _DRIFT_STEPS + 1):
        if hmac.compare_digest(generator.at(step * _STEP_SECONDS).encode(), typed.encode()):
            return step
    return None
