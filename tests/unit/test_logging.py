"""Nothing secret and no full number reaches a log line."""

import io
import json
import logging
import re

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from jobs.logging import configure_logging, mask, redact


def line_of(**fields: object) -> dict[str, object]:
    return dict(redact(None, "info", {"event": "x", **fields}))


@pytest.mark.parametrize(
    "key",
    [
        "pin",
        "new_pin",
        "text",
        "token",
        "access_token",
        "password",
        "passkey",
        "Authorization",
        "SecurityCredential",
        "api_key",
        "secret_key",
        "otp",
        "cookie",
        "body",
    ],
)
def test_secret_is_dropped_by_its_name(key: str) -> None:
    assert line_of(**{key: "1234"}) == {"event": "x"}
    assert line_of(request={"kept": 1, key: "1234"}) == {"event": "x", "request": {"kept": 1}}


def test_figures_about_secrets_stay() -> None:
    assert line_of(text_length=14, pin_attempts=2) == {
        "event": "x",
        "text_length": 14,
        "pin_attempts": 2,
    }


@pytest.mark.parametrize(
    "spelling", ["+254712345678", "254712345678", "0712345678", "0112345678", "%2B254712345678"]
)
def test_number_is_masked_wherever_it_stands(spelling: str) -> None:
    for value in (spelling, [f"to {spelling}."], {"a": {"b": spelling}}, ValueError(spelling)):
        assert "345" not in json.dumps(line_of(value=value))


@given(st.from_regex(r"0[17][0-9]{8}", fullmatch=True), st.text("abc :,;()", max_size=5))
def test_no_full_number_survives_masking(number: str, around: str) -> None:
    masked = mask(f"{around}{number}{around}")

    assert not re.search(r"[0-9]{9,}", masked)
    assert f"{number[:4]}***{number[-3:]}" in masked


def test_amounts_and_references_are_left_alone() -> None:
    for text in ("ws_CO_191220191020363925", "KES 1,000.00", "1234567890123", "QK7XM2P4RT"):
        assert mask(text) == text


@pytest.fixture
def log_output(monkeypatch: pytest.MonkeyPatch):
    """What the process writes to standard error, with our logging set up."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    configure_logging(as_json=True)
    yield written
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_traceback_and_libraries_lines_are_masked(log_output: io.StringIO) -> None:
    try:
        raise ValueError("no customer +254712345678")
    except ValueError:
        structlog.get_logger("ours").exception("failed", pin="1234")
    logging.getLogger("theirs").warning("sent to %s", "+254712345678")

    own, foreign = (json.loads(line) for line in log_output.getvalue().splitlines())

    assert "0712***678" in own["exception"]
    assert "pin" not in own
    assert foreign["event"] == "sent to 0712***678"
    assert "254712345678" not in log_output.getvalue()


def test_what_is_merely_told_is_one_masked_line_too(log_output: io.StringIO) -> None:
    structlog.get_logger("ours").info("hop", number="+254712345678", pin="1234", screen="main")

    line = json.loads(log_output.getvalue())

    assert line["number"] == "0712***678"
    assert (line["level"], line["logger"], line["screen"]) == ("info", "ours", "main")
    assert "pin" not in line
    assert log_output.getvalue().count("\n") == 1
