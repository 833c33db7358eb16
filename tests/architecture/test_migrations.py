"""Migrations are one line: each number once, each on top of the one before."""

import re
from pathlib import Path

VERSIONS = Path(__file__).resolve().parents[2] / "migrations" / "versions"


def test_migrations_are_numbered_without_gap_or_twin() -> None:
    numbers = [path.name[:4] for path in sorted(VERSIONS.glob("[0-9]*.py"))]

    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


def test_migration_stands_on_the_one_before_it() -> None:
    for path in sorted(VERSIONS.glob("[0-9]*.py")):
        text = path.read_text("utf-8")
        number = int(path.name[:4])
        below = f'"{number - 1:04}"' if number > 1 else "None"
        assert re.search(rf'^revision = "{number:04}"$', text, re.M), path.name
        assert re.search(rf"^down_revision = {below}$", text, re.M), path.name
