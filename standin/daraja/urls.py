"""Which callback URLs Daraja takes (Daraja 1.4 and 1.12)."""

import ipaddress
from urllib.parse import urlsplit

from standin.daraja.service import Call

_URL_MAX = 512
_FORBIDDEN = (
    "mpesa",
    "m-pesa",
    "safaricom",
    "exe",
    "exec",
    "cmd",
    "sql",
    "query",
    "ngrok",
    "mockbin",
    "requestbin",
)


def check_url(call: Call, name: str) -> str:
    """Return a URL field, refusing what is no URL, and in strict mode what is not public."""
    url = call.text(name, 1, _URL_MAX)
    try:
        parts = urlsplit(url)
    except ValueError:
        raise call.api.invalid(name) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise call.api.invalid(name)
    if call.daraja.world.behaviour.now.strict_urls and not _public(parts.scheme, url):
        raise call.api.invalid(name)
    return url


def _public(scheme: str, url: str) -> bool:
    hostname = urlsplit(url).hostname or ""
    if scheme != "https" or any(word in url.lower() for word in _FORBIDDEN):
        return False
    if hostname == "localhost" or "." not in hostname:
        return False
    try:
        return ipaddress.ip_address(hostname).is_global
    except ValueError:
        return True
