"""Networks that a provider calls from: CIDR in the settings, addresses of requests."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

Network = IPv4Network | IPv6Network


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError:
        raise ValueError("must be networks such as 10.0.0.0/8, separated by commas") from None


Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split)]
"""A setting: networks separated by commas; none stands for every address."""


def is_known(address: str | None, networks: tuple[Network, ...]) -> bool:
    """Tell whether a request's address lies in one of the networks, or none are named."""
    if not networks:
        return True
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return False
    return any(parsed in network for network in networks)
