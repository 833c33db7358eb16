"""What leaves for Sentry: the error, and nothing of the customer or the request."""

import json
from collections.abc import Iterator

import pytest
import sentry_sdk
from pydantic import SecretStr
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from jobs.errors import report_errors
from ussd_app.settings import Settings


class Recorder(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent.append(json.dumps([item.payload.json for item in envelope.items]))


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    yield Recorder()
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def test_error_is_reported_without_numbers_locals_and_request(
    settings: Settings, recorder: Recorder
) -> None:
    reporting = settings.model_copy(
        update={"sentry_dsn": SecretStr("https://key@sentry.example/1")}
    )
    report_errors(reporting, transport=recorder)
    sentry_sdk.set_tag("token", "tag-secret")
    try:
        pin = "5937"
        raise ValueError(f"no wallet of +254712345678{'' if pin else pin}")
    except ValueError as error:
        sentry_sdk.capture_exception(error)

    (sent,) = recorder.sent
    assert "ValueError" in sent
    assert "0712***678" in sent
    for secret in ("254712345678", "5937", "tag-secret"):
        assert secret not in sent


def test_nothing_is_reported_without_an_address(settings: Settings, recorder: Recorder) -> None:
    report_errors(settings, transport=recorder)
    sentry_sdk.capture_message("unheard")

    assert recorder.sent == []
