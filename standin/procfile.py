"""Reads a Procfile, so that one machine runs the very commands that production runs."""

import re
from pathlib import Path

_LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(.+)$")


def read_procfile(file: Path) -> dict[str, str]:
    """Return each process's shell command by name. Raises ValueError for any other line."""
    commands: dict[str, str] = {}
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None or match[1] in commands:
            raise ValueError(f"{file.name}, line {number}: not 'name: command', or a name twice")
        commands[match[1]] = match[2]
    return commands


def shell_command(command: str) -> list[str]:
    """Return the words that run a Procfile line without leaving a shell in between."""
    return ["/bin/sh", "-c", f"exec {command}"]
