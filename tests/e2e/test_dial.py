"""`cycle dial`: the story in a terminal."""

import subprocess
import sys

import pytest

from tests.e2e.handset import MPESA_PIN, PIN
from tests.e2e.stack import ROOT, Running

pytestmark = pytest.mark.xdist_group("story")


def dial(*arguments: str, typed: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ussd_app.cli", "dial", *arguments],
        cwd=ROOT,
        input="\n".join([*(typed or []), ""]),
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def seen(done: subprocess.CompletedProcess[str]) -> str:
    """What stood on the screen, without frames and line breaks."""
    return " ".join(done.stdout.replace("│", " ").split())


def test_deposit_by_terminal_ends_in_a_receipt(up: Running) -> None:
    standin = ["--standin", up.where["standin"]]
    joined = dial(
        "0714 000 101", *standin, "--wait", "0", typed=["1", "1", "Jane", "Doe", PIN, PIN]
    )
    assert joined.returncode == 0, joined.stderr
    assert "Welcome Jane!" in seen(joined)

    paid = dial("0714000101", *standin, "--wait", "6", typed=["2", "500", MPESA_PIN])

    assert paid.returncode == 0, paid.stderr
    assert "Pay Ksh500.00" in seen(paid)
    assert "Confirmed. Ksh500.00 deposited" in seen(paid)


def test_empty_line_hangs_up(up: Running) -> None:
    done = dial("0714000102", "--standin", up.where["standin"], "--wait", "0", typed=[""])

    assert done.returncode == 0
    assert "hung up" in done.stdout


def test_wrong_number_is_a_usage_error() -> None:
    done = dial("12")

    assert done.returncode == 2
    assert "not a Kenyan mobile number" in done.stderr


def test_no_standin_is_told_and_exits_1() -> None:
    done = dial("0714000103", "--standin", "http://127.0.0.1:9")

    assert done.returncode == 1
    assert "is `cycle up` running?" in done.stderr
