"""The only bridge from the journeys to ledger and queue: one function per effect.

Each takes a Call and returns Done, with values for the screens, or the ledger's Refusal. Money is
keyed by session and position, so a hop that runs twice moves nothing twice.
"""

from ussd_app.actions import (
    account,
    identity,
    money,
    prepared,
    reachability,
    reading,
    requests,
    support,
)
from ussd_app.actions.registry import Call, names, perform

__all__ = [
    "Call",
    "account",
    "identity",
    "money",
    "names",
    "perform",
    "prepared",
    "reachability",
    "reading",
    "requests",
    "support",
]
