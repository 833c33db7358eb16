"""Rules of coming in by the API and the console: codes, tokens, roles."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

CODE_LIFETIME = timedelta(minutes=10)
CODE_WRONG_TRIES_MAX = 5
CODES_WINDOW = timedelta(hours=1)
CODES_IN_WINDOW_MAX = 5
ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
REFRESH_TOKEN_LIFETIME = timedelta(days=30)

STAFF_TRIES_MAX = 5
STAFF_LOCK_DURATION = timedelta(minutes=15)
STAFF_PASSWORD_LENGTH_MIN = 12


class CodePurpose(StrEnum):
    """What a one-time code is good for; a code for one purpose is useless for another."""

    REGISTRATION = "registration"
    LOGIN = "login"


class Role(StrEnum):
    """What a member of staff may do; kept in the database, granted by `cycle admin`."""

    ADMIN = "admin"
    FINANCE = "finance"
    SUPPORT = "support"
    AUDITOR = "auditor"


class AccessCode(StrEnum):
    """Why somebody was not let in."""

    CODE_WRONG = "code_wrong"
    CODE_BLOCKED = "code_blocked"
    """Five wrong tries: the code is dead, also for the right digits."""
    TOO_MANY_CODES = "too_many_codes"
    CREDENTIALS_WRONG = "credentials_wrong"
    TOKEN_INVALID = "token_invalid"  # noqa: S105  # a code, not a secret
    TOKEN_REUSED = "token_reused"  # noqa: S105
    """A refresh token came a second time: somebody has a copy, so its session was ended."""
    STAFF_LOCKED = "staff_locked"
    TOTP_WRONG = "totp_wrong"
    TOTP_NOT_ENROLLED = "totp_not_enrolled"


@dataclass(frozen=True, slots=True)
class AccessRefusal:
    """An expected no at the door. Unlike a refused posting it may have counted something."""

    code: AccessCode
    details: dict[str, int | str] = field(default_factory=dict)
