"""Sessions of the JSON API: opening, refreshing and ending them."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.core.access import REFRESH_TOKEN_LIFETIME, AccessCode, AccessRefusal
from ledger.core.context import Context
from ledger.db import api_sessions, audit
from ledger.db.engine import Connection, Database

_CONTEXT = Context(actor="system:api", channel="api")


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that was just opened or refreshed, with the tokens to hand out once.

    Exactly one of ``user_id`` and ``admin_id`` is set. ``device_token`` is set when the
    device is new.
    """

    session_id: int
    refresh_token: str
    user_id: int | None = None
    admin_id: int | None = None
    device_token: str | None = None


def open_customer_session(database: Database, user_id: int, device_id: int | None) -> OpenSession:
    """Open a session of a customer whose identity has been proved; None registers a device."""
    context = Context(actor=f"user:{user_id}", channel="api", user_id=user_id)

    def work(connection: Connection) -> OpenSession:
        device_token = None
        known = device_id
        if known is None:
            device_token = secrets.token_urlsafe(32)
            known = api_sessions.insert_device(connection, user_id, digest(device_token))
        session_id = api_sessions.insert_session(connection, user_id=user_id, device_id=known)
        refresh_token = _issue(connection, session_id)
        return OpenSession(session_id, refresh_token, user_id=user_id, device_token=device_token)

    session = database.run(_CONTEXT, work)
    action = "session.opened" if device_id else "session.opened_on_new_device"
    database.run(context, lambda connection: audit.record(connection, action, "user", user_id))
    return session


def open_staff_session(database: Database, admin_id: int) -> OpenSession:
    """Open a session of a member of staff whose identity has been proved."""

    def work(connection: Connection) -> OpenSession:
        session_id = api_sessions.insert_session(connection, admin_id=admin_id)
        return OpenSession(session_id, _issue(connection, session_id), admin_id=admin_id)

    return database.run(_CONTEXT, work)


def find_device(database: Database, user_id: int, device_token: str) -> int | None:
    """Return the id of a customer's registered device by its token."""
    return database.run(
        _CONTEXT,
        lambda connection: api_sessions.use_device(connection, user_id, digest(device_token)),
    )


def refresh(database: Database, refresh_token: str) -> OpenSession | AccessRefusal:
    """Swap a refresh token for the next one. A token that comes twice ends its session."""

    def work(connection: Connection) -> OpenSession | AccessRefusal:
        found = api_sessions.take_refresh_token(connection, digest(refresh_token))
        if found is None or found.revoked_at or found.expires_at <= datetime.now(UTC):
            return AccessRefusal(AccessCode.TOKEN_INVALID)
        if found.used_at is not None:
            api_sessions.revoke_session(connection, found.session_id, "refresh token reused")
            owner = ("user", found.user_id) if found.user_id else ("admin", found.admin_id or 0)
            audit.record(connection, "session.token_reused", *owner)
            return AccessRefusal(AccessCode.TOKEN_REUSED)
        if not _is_live(connection, found.session_id):
            return AccessRefusal(AccessCode.TOKEN_INVALID)
        token = _issue(connection, found.session_id)
        return OpenSession(found.session_id, token, found.user_id, found.admin_id)

    return database.run(_CONTEXT, work)


def end_session(database: Database, session_id: int) -> None:
    """End a session at its owner's wish; its tokens are worth nothing from now on."""
    database.run(
        _CONTEXT,
        lambda connection: api_sessions.revoke_session(connection, session_id, "logged out"),
    )


def live_customer(database: Database, session_id: int) -> int | None:
    """Return the customer of a session that may still act, else None."""
    with database.transaction(_CONTEXT) as connection:
        return api_sessions.live_customer(connection, session_id)


def live_admin(database: Database, session_id: int) -> int | None:
    """Return the member of staff of a session that may still act, else None."""
    with database.transaction(_CONTEXT) as connection:
        return api_sessions.live_admin(connection, session_id)


def digest(token: str) -> bytes:
    """Return what is stored of a random token."""
    return hashlib.sha256(token.encode()).digest()


def _is_live(connection: Connection, session_id: int) -> bool:
    customer = api_sessions.live_customer(connection, session_id)
    return customer is not None or api_sessions.live_admin(connection, session_id) is not None


def _issue(connection: Connection, session_id: int) -> str:
    token = secrets.token_urlsafe(32)
    expires_at = datetime.now(UTC) + REFRESH_TOKEN_LIFETIME
    api_sessions.insert_refresh_token(connection, session_id, digest(token), expires_at)
    return token
