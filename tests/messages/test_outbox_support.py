"""What operators see of the outbox, and sending again."""

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from tests.messages.conftest import Texting
from tests.msisdns import new_msisdn
from ussd_app.cli import cycle


@pytest.fixture
def run(
    texting: Texting, product_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Run `cycle outbox` on the test's database."""
    for name, value in product_environment.items():
        monkeypatch.setenv(name, value)
    url = texting.services.settings.database_url.get_secret_value()
    monkeypatch.setenv("DATABASE_URL", url)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cycle, ["outbox", *arguments])

    return run


def failed_message(texting: Texting) -> int:
    message = texting.queue(new_msisdn())
    texting.fault(at="at.send", do="refuse", code=407, times=1)
    texting.send()
    texting.no_faults()
    return message


def test_a_failure_is_listed_with_its_reason_and_a_masked_number(
    texting: Texting, run: Callable[..., Result]
) -> None:
    message = failed_message(texting)
    texting.queue(new_msisdn())
    listed = run("list", "--state", "failed", "--json")
    (row,) = (json.loads(line) for line in listed.stdout.splitlines())
    assert row["id"] == message
    assert "407" in row["failure_reason"]
    assert "***" in row["recipient"]
    assert "params" not in row
    table = run("list")
    assert table.exit_code == 0
    assert "failed" in table.stdout


def test_a_failed_message_is_sent_again_once(texting: Texting, run: Callable[..., Result]) -> None:
    message = failed_message(texting)
    phone = texting.row(message)["recipient"]
    assert run("retry", str(message)).exit_code == 0
    texting.send()
    assert len(texting.inbox(phone)) == 1
    again = run("retry", str(message))
    assert again.exit_code == 1
    assert "was sent again" in again.stderr
    assert run("retry", "--all-failed").stdout == ""


def test_a_waiting_message_is_hurried(texting: Texting, run: Callable[..., Result]) -> None:
    message = texting.queue(new_msisdn())
    texting.fault(at="at.send", do="refuse", code=500, times=1)
    texting.send()
    assert texting.row(message)["state"] == "queued"
    assert run("retry", str(message)).exit_code == 0
    texting.send()
    assert texting.row(message)["state"] == "sent"
    assert run("retry", str(message)).exit_code == 1
    assert run("retry", "999999").exit_code == 1


def test_a_wrong_command_line_is_told(run: Callable[..., Result]) -> None:
    assert run("retry").exit_code == 2
    assert run("list", "--phone", "123").exit_code == 2


def test_figures_and_metrics_agree_with_the_rows(
    texting: Texting, run: Callable[..., Result], web: FlaskClient
) -> None:
    for n in range(3):
        texting.queue(new_msisdn(), amount=100 + n)
    texting.send()
    failed_message(texting)
    texting.fault(at="at.send", do="refuse", code=405)
    texting.queue(new_msisdn())
    texting.send()
    sms = json.loads(run("figures", "--json").stdout)["sms"]
    assert (sms["waiting"], sms["paused_reason"], sms["cost_of_day"]) == (1, "no_credit", "2.4000")
    assert sms["states_of_day"] == {"sent": 3, "failed": 1, "queued": 1}
    scraped = web.get("/metrics").text
    assert 'cycle_outbox_waiting{channel="sms"} 1.0' in scraped
    assert 'cycle_outbox_paused{channel="sms",reason="no_credit"} 1.0' in scraped
    assert 'cycle_outbox_last_day{channel="sms",state="sent"} 3.0' in scraped
    assert 'cycle_outbox_last_day_cost_kes{channel="sms"} 2.4' in scraped
    assert 'cycle_outbox_oldest_seconds{channel="sms"}' in scraped
    assert run("figures").exit_code == 0
