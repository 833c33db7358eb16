"""Where a session stands: plain data that goes to Redis and back. No PIN is ever in it."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from ussd_app.flow.model import Language

KEPT_AT_HOME = ("user_id",)
_write = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class State:
    """One session between two hops.

    ``values`` holds what was typed and loaded (cents as int). ``back`` is the way here;
    ``waiting`` names the effect that runs, and ``entering`` whether it is a screen's ``enter``.
    ``tokens`` are dial-through inputs not used yet; ``earlier`` is the state of a session that
    broke off, while it is offered again.
    """

    screen: str = ""
    language: Language = "en"
    values: dict[str, Any] = field(default_factory=dict)
    back: tuple[str, ...] = ()
    wrong: int = 0
    page: int = 0
    entering: bool = False
    waiting: str = ""
    tokens: tuple[str, ...] = ()
    earlier: str = ""

    def to_json(self) -> str:
        """Write the state compactly: what is empty is left out."""
        written = {name: value for name in self.__slots__ if (value := getattr(self, name))}
        return _write(written)

    @classmethod
    def from_json(cls, text: str) -> "State":
        """Read what ``to_json`` wrote."""
        data = json.loads(text)
        for name in ("back", "tokens"):
            if name in data:
                data[name] = tuple(data[name])
        return cls(**data)

    def with_values(self, **values: Any) -> "State":
        """Return the state with more values."""
        return replace(self, values={**self.values, **values})

    def at_home(self, home: str) -> "State":
        """Return the state as on arrival at the main menu: nothing typed before counts."""
        kept = {name: self.values[name] for name in KEPT_AT_HOME if name in self.values}
        return replace(self, screen=home, values=kept, back=(), wrong=0, page=0, earlier="")
