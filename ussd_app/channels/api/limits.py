"""Rate limits on Redis, counted after identity: per account, per number, then per address.

The address is the connection's, or what as many trusted proxies as configured vouch for; a
header that the caller made up never counts. When Redis can't count, nothing passes.
"""

from typing import cast

from flask import Flask, g, request
from flask.sansio.app import App
from flask_limiter import Limiter

from ledger.core.msisdn import parse_msisdn
from ussd_app.services import Services

MONEY = "20 per minute; 200 per hour"
READS = "240 per minute"
DOOR_PER_SOURCE = "60 per minute; 600 per hour"
DOOR_PER_NUMBER = "10 per minute; 60 per hour"


def account_key() -> str:
    """Return the account that the request's token proved, else the caller's address."""
    bearer = g.get("api_bearer")
    return source_key() if bearer is None else f"{bearer.kind}:{bearer.person_id}"


def source_key() -> str:
    """Return the address that the request came from."""
    return f"address:{request.remote_addr}"


def number_key() -> str:
    """Return the number (or mail address) that a request at the door names."""
    body = request.get_json(silent=True)
    named = body.get("phone") or body.get("email") if isinstance(body, dict) else None
    if not isinstance(named, str):
        return source_key()
    return f"number:{parse_msisdn(named[:40]) or named[:100].lower()}"


limiter = Limiter(
    key_func=source_key,
    strategy="moving-window",
    key_prefix="cycle:limit",
    headers_enabled=True,
    storage_uri="redis://",
)


def attach(app: App, services: Services) -> None:
    """Count on the product's own Redis connections."""
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"connection_pool": services.redis.connection_pool}
    limiter.init_app(cast(Flask, app))
