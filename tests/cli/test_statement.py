"""`cycle statement` as an operator types it."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from ledger.core.people import User
from ledger.core.rules import nairobi_day
from ledger.db.engine import Database
from tests.db.people import new_user
from ussd_app.cli.statement import command

TODAY = nairobi_day(datetime.now(UTC)).isoformat()
PERIOD = ("--from", TODAY, "--to", TODAY)


@pytest.fixture
def user(
    database: Database, product_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> User:
    for name, value in product_environment.items():
        monkeypatch.setenv(name, value)
    return new_user(database, cents=765_43)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def make(user: User, out: Path, *more: str) -> str:
    result = run("--phone", user.msisdn, *PERIOD, "--out", str(out), "--json", *more)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["lines"] == 1
    return str(told["reference"])


@pytest.mark.parametrize("file_format", ["pdf", "csv"])
def test_a_file_is_made_and_verified(user: User, tmp_path: Path, file_format: str) -> None:
    out = tmp_path / f"s.{file_format}"
    reference = make(user, out, "--format", file_format)
    genuine = run("--verify", str(out), "--json")
    assert genuine.exit_code == 0
    assert json.loads(genuine.stdout) == {"verdict": "genuine", "reference": reference}


def test_an_altered_file_is_found_by_the_reference_in_it(user: User, tmp_path: Path) -> None:
    out = tmp_path / "s.pdf"
    reference = make(user, out)
    content = bytearray(out.read_bytes())
    content[-3] ^= 1
    out.write_bytes(content)
    altered = run("--verify", str(out))
    assert altered.exit_code == 1
    assert reference in altered.stdout
    stranger = tmp_path / "x.pdf"
    stranger.write_bytes(b"%PDF-1.7")
    assert "Unknown" in run("--verify", str(stranger)).stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--phone", "0712", *PERIOD), "not a Kenyan mobile number"),
        (("--phone", "0712345678", "--from", "2026-02-30", "--to", TODAY), "does not match"),
        (("--phone", "0712345678", "--from", TODAY, "--to", "2020-01-01"), "before --from"),
        (
            ("--phone", "0712345678", "--from", "1990-01-01", "--to", "2020-01-01"),
            "at most 7 years",
        ),
        (("--phone", "0712345678", "--month", "2026-13"), "does not match"),
        ((*PERIOD,), "give one of"),
    ],
)
def test_bad_input_gets_a_clear_answer(
    user: User, tmp_path: Path, arguments: tuple[str, ...], problem: str
) -> None:
    result = run(*arguments, "--out", str(tmp_path / "s.pdf"))
    assert result.exit_code == 2
    assert problem in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_customer_and_a_missing_folder_fail_cleanly(user: User, tmp_path: Path) -> None:
    unknown = run("--phone", "0101010101", *PERIOD, "--out", str(tmp_path / "s.pdf"))
    assert unknown.exit_code == 1
    assert "no customer" in unknown.stderr
    nowhere = run("--phone", user.msisdn, *PERIOD, "--out", str(tmp_path / "no" / "s.pdf"))
    assert nowhere.exit_code == 1
    assert "No such file" in nowhere.stderr


def test_mail_goes_to_nobody_but_the_customer_or_an_admin(user: User) -> None:
    result = run("--phone", user.msisdn, *PERIOD, "--email", "thief@example.org")
    assert result.exit_code == 1
    assert "confirmed address" in result.stderr


def test_a_mail_server_that_is_not_there_is_a_failure(user: User, database_owner_url: str) -> None:
    with psycopg.connect(database_owner_url) as connection:
        connection.execute("SELECT set_config('cycle.actor', 'system:test', false)")
        connection.execute(
            "UPDATE users SET email = 'jane@example.org', email_confirmed_at = now() WHERE id = %s",
            (user.id,),
        )
    result = run("--phone", user.msisdn, *PERIOD, "--email", "jane@example.org")
    assert result.exit_code == 1
    assert "mail server did not take it" in result.stderr


def test_the_float_has_a_statement_too(user: User, tmp_path: Path) -> None:
    out = tmp_path / "float.csv"
    result = run("--account", "CASH", *PERIOD, "--format", "csv", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert re.search(r",765\.43,", out.read_text())


def test_everybodys_statements_go_to_a_folder(
    user: User, database: Database, tmp_path: Path
) -> None:
    result = run("--all", "--month", TODAY[:7], "--format", "csv", "--out", str(tmp_path / "all"))
    assert result.exit_code == 0, result.output
    names = {path.name.split("-")[0] for path in (tmp_path / "all").iterdir()}
    assert user.wallet_number in names
    assert not any(name.startswith(".") for name in names)
