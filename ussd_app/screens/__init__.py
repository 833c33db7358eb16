"""Every journey as data, one module each. A module's screens are found by this folder's scan."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

import ussd_app.screens
from ussd_app.flow.model import Alias, Effect, Flow, Screen
from ussd_app.screens.fields import FIELDS
from ussd_app.screens.refusals import REFUSALS

ALIASES = MappingProxyType(
    {
        "1": Alias("balance_pin", "balance"),
        "2": Alias("deposit_amount", "deposit: 2*amount"),
        "3": Alias("send_to", "send: 3*number*amount"),
        "4": Alias("withdraw_amount", "withdraw: 4*amount"),
        "5": Alias("mini_pin", "mini statement"),
    }
)
"""Version 1 of the shortcuts that customers dial by heart. Menus may be reordered, these not."""

_FIRST = Effect(
    "identify",
    {
        "customer": "main",
        "stranger": "language",
        "start_pin": "start_pin",
        "closed": "account_closed",
        "prepared_send": "prepared_send",
        "prepared_withdraw": "prepared_withdraw",
        "prepared_withdraw_to": "prepared_withdraw_to",
        "was_sent": "was_sent",
        "was_done": "was_done",
        "is_pending": "is_pending",
        "has_failed": "has_failed",
    },
)


_FIRST_JOURNEYS = ("registration", "main")


@cache
def journeys() -> Mapping[str, tuple[str, ...]]:
    """Return the names of each journey's screens, for the picture: joining and home first."""
    found: dict[str, tuple[str, ...]] = {}
    for module, screens in sorted(_modules().items(), key=lambda item: _place(item[0])):
        names = tuple(screen.name for screen in screens)
        if names:
            found[module] = names
    return MappingProxyType(found)


def _place(module: str) -> tuple[int, str]:
    early = module in _FIRST_JOURNEYS
    return (_FIRST_JOURNEYS.index(module) if early else len(_FIRST_JOURNEYS), module)


def _modules() -> dict[str, list[Screen]]:
    return {
        module.name: [
            value
            for value in vars(import_module(f"ussd_app.screens.{module.name}")).values()
            if isinstance(value, Screen)
        ]
        for module in pkgutil.iter_modules(ussd_app.screens.__path__)
    }


@cache
def flow() -> Flow:
    """Return the whole flow; raise ValueError when two screens share a name."""
    screens: dict[str, Screen] = {}
    for found in _modules().values():
        for screen in found:
            if screens.setdefault(screen.name, screen) is not screen:
                raise ValueError(f"two screens are called {screen.name}")
    return Flow(
        screens=MappingProxyType(screens),
        refusals=REFUSALS,
        fields=FIELDS,
        aliases=ALIASES,
        first=_FIRST,
        home="main",
        start="language",
        resume="resume",
    )
