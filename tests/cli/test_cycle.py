"""The `cycle` command: subcommands by file name, exit codes, settings that are checked."""

import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner

from ledger.core.access import Role
from ledger.db.engine import Database
from ledger.queries.staff import everyone
from tests.quick_hashing import PASSWORD
from tests.unit.test_settings import PRODUCTION
from ussd_app import cli
from ussd_app.cli import cycle
from ussd_app.settings import Settings

FOLDER = Path(cli.__file__).parent
NAMES = sorted(path.stem.replace("_", "-") for path in FOLDER.glob("[a-z]*.py"))
Use = Callable[[dict[str, str]], None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Use:
    """Sets exactly these variables of ours, in a folder without a .env."""

    def use(variables: dict[str, str]) -> None:
        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)

    return use


def test_help_lists_every_file() -> None:
    text = CliRunner().invoke(cycle, ["--help"]).output

    assert [name for name in NAMES if f"  {name} " not in text] == []


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"up", "dial", "drill"}))
def test_every_command_explains_itself_without_an_environment(name: str, environment: Use) -> None:
    environment({})

    answer = CliRunner().invoke(cycle, [name, "--help"])

    assert answer.exit_code == 0
    assert "Usage:" in answer.output


def test_unknown_command_is_a_usage_error() -> None:
    assert CliRunner().invoke(cycle, ["nonsense"]).exit_code == 2


def test_config_check_names_problems_and_exits_1(environment: Use) -> None:
    environment({**PRODUCTION, "SECRET_KEY": "short-secret"})

    answer = CliRunner().invoke(cycle, ["config", "check"])

    assert answer.exit_code == 1
    assert "SECRET_KEY" in answer.output
    assert "short-secret" not in answer.output


def test_config_check_as_json(environment: Use) -> None:
    environment(PRODUCTION)

    answer = CliRunner().invoke(cycle, ["config", "check", "--json"])

    assert answer.exit_code == 0
    assert json.loads(answer.output) == {"usable": True, "problems": []}


def test_demo_is_refused_in_production(environment: Use) -> None:
    environment(PRODUCTION)

    answer = CliRunner().invoke(cycle, ["demo"])

    assert answer.exit_code == 1
    assert "production" in answer.output


def test_demo_adds_nobody_twice(
    environment: Use, product_environment: dict[str, str], database: Database
) -> None:
    environment(product_environment)
    email = f"Demo{uuid4().hex}@cycle.example"
    words = ["demo", "--admin", email]

    short = CliRunner().invoke(cycle, words, input="too short\n")
    assert (short.exit_code, short.output.count("12 characters")) == (1, 1)
    for _ in range(2):
        answer = CliRunner().invoke(cycle, words, input=f"{PASSWORD}\n")
        assert answer.exit_code == 0, answer.output

    (admin,) = [member for member in everyone(database) if member.email == email.lower()]
    assert set(admin.roles) == set(Role)


def test_migrate_can_be_repeated(environment: Use, product_environment: dict[str, str]) -> None:
    environment(product_environment)

    assert CliRunner().invoke(cycle, ["migrate"]).exit_code == 0
