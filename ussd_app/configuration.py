"""The settings as a table for people; docs/configuration.md is tested against it."""

from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ussd_app.settings import Settings


def markdown_table() -> str:
    """Return one row a variable: name, whether it is needed, default, meaning."""
    lines = ["| Variable | Needed | Default | Meaning |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        needed = "yes" if field.is_required() else "no"
        meaning = (field.description or "").replace("|", "\\|")
        lines.append(f"| `{name.upper()}` | {needed} | {_default(field)} | {meaning} |")
    return "\n".join(lines)


def _default(field: FieldInfo) -> str:
    default: Any = field.default
    if default is PydanticUndefined or default is None or default == ():
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`"
