"""Every synchronous answer of facts 1.3, and the odd ones, end in one of four outcomes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.clients.mpesa.outcomes import Api, Outcome, classify, clean_text, parse_json
from jobs.clients.mpesa.redaction import redact_bytes, redact_text


def error(code: str, message: str = "") -> bytes:
    return json.dumps({"requestId": "1-2-3", "errorCode": code, "errorMessage": message}).encode()


def accepted(code: object = "0") -> bytes:
    return json.dumps({"ResponseCode": code, "ResponseDescription": "Accept"}).encode()


@pytest.mark.parametrize(
    ("api", "status", "raw", "outcome"),
    [
        (Api.STK_PUSH, 200, b"\n  " + accepted() + b"\n", Outcome.ACCEPTED),
        (Api.STK_PUSH, 200, accepted(0), Outcome.ACCEPTED),
        (Api.STK_PUSH, 200, accepted("1"), Outcome.REFUSED),
        (Api.STK_PUSH, 503, accepted(), Outcome.UNKNOWN),
        (Api.STK_PUSH, 400, error("400.002.02"), Outcome.REFUSED),
        (Api.STK_PUSH, 400, error("400.002.05"), Outcome.REFUSED),
        (Api.STK_PUSH, 404, error("404.001.03"), Outcome.REFUSED),
        (Api.STK_PUSH, 405, error("405.001"), Outcome.REFUSED),
        (Api.STK_PUSH, 500, error("500.001.1001", "Merchant does not exist"), Outcome.REFUSED),
        (
            Api.STK_PUSH,
            500,
            error("500.001.1001", "[MerchantValidate] - Wrong credentials"),
            Outcome.REFUSED,
        ),
        (
            Api.STK_PUSH,
            500,
            error("500.001.1001", "Unable to lock subscriber, a transaction is already in process"),
            Outcome.REFUSED,
        ),
        (Api.STK_PUSH, 500, error("500.001.1001", ""), Outcome.UNKNOWN),
        (Api.STK_PUSH, 500, error("500.003.1001", "Internal Server Error"), Outcome.UNKNOWN),
        (Api.STK_PUSH, 500, error("00.002.1001", "maintenance"), Outcome.UNKNOWN),
        (Api.STK_PUSH, 500, error("500.003.02", "System is busy."), Outcome.REFUSED),
        (Api.STK_PUSH, 500, error("500.003.03", "Quota Violation"), Outcome.REFUSED),
        (Api.STK_QUERY, 500, error("500.001.1001", "Wrong credentials"), Outcome.UNKNOWN),
        (Api.STK_QUERY, 200, error("500.001.1001", ""), Outcome.UNKNOWN),
        (
            Api.B2C,
            500,
            error("500.002.1001", "Duplicate OriginatorConversationID."),
            Outcome.DUPLICATE,
        ),
        (
            Api.PULL,
            200,
            json.dumps(
                {"ResponseStatus": "1001", "ResponseDescription": "ShortCode already Registered"}
            ).encode(),
            Outcome.DUPLICATE,
        ),
        (Api.B2C, 500, error("500.002.1001", "System internal error."), Outcome.UNKNOWN),
        (Api.B2C, 500, error("500.002.1001", ""), Outcome.UNKNOWN),
        (Api.C2B, 500, error("500.003.1001", "Urls are already registered"), Outcome.REFUSED),
        (Api.PULL, 200, accepted("1000"), Outcome.ACCEPTED),
        (Api.PULL, 200, accepted("1001"), Outcome.REFUSED),
        (Api.B2C, 503, b"<html><head>Incapsula</head></html>", Outcome.UNKNOWN),
        (Api.B2C, 200, b"<html></html>", Outcome.UNKNOWN),
        (Api.B2C, 200, b"", Outcome.UNKNOWN),
        (Api.B2C, 200, b"[1]", Outcome.UNKNOWN),
        (Api.B2C, 200, b"{}", Outcome.UNKNOWN),
        (Api.B2C, 200, b'{"ResponseCode": NaN}', Outcome.UNKNOWN),
        (Api.B2C, 409, b'{"Envelope":{"Body":{"Fault":{}}}}', Outcome.UNKNOWN),
        (Api.B2C, 409, b'{"Envelope":{}}{"Envelope":{}}', Outcome.UNKNOWN),
        (Api.B2C, 404, b'{"fault":{"faultstring":"no apiproduct match found"}}', Outcome.UNKNOWN),
    ],
)
def test_an_answer_has_the_outcome_of_its_body(
    api: Api, status: int, raw: bytes, outcome: Outcome
) -> None:
    assert classify(api, status, raw).outcome is outcome


def test_busy_and_locked_subscribers_may_be_sent_again_later() -> None:
    busy = classify(Api.STK_PUSH, 500, error("500.003.02", "Spike Arrest Violation"))
    locked = classify(Api.STK_PUSH, 500, error("500.001.1001", "Unable to lock subscriber"))
    invalid = classify(Api.STK_PUSH, 400, error("400.002.02", "Invalid Amount"))
    assert (busy.temporary, locked.temporary, invalid.temporary) == (True, True, False)


def test_the_token_in_an_error_text_is_hidden() -> None:
    raw = error(
        "401.002.01", "Error Occurred - Invalid Access Token - c9SQxWWhmdVRlyh0zh8gZDTkubVF"
    )
    assert "c9SQ" not in classify(Api.B2C, 401, raw).text


def test_secrets_in_an_echoed_request_are_hidden_and_the_rest_is_kept() -> None:
    body = b'{"SecurityCredential": "abc\\"def==", "Amount": 10, "password" : 12, "x": "Password"}'
    redacted = json.loads(redact_bytes(body))
    assert redacted == {
        "SecurityCredential": "[redacted]",
        "Amount": 10,
        "password": "[redacted]",
        "x": "Password",
    }
    assert b"sesame" not in redact_bytes(b'{"SecurityCredential": "sesame')
    assert b"sesame" not in redact_bytes(b"SecurityCredential=sesame&a=b")


def test_known_secrets_and_line_breaks_leave_a_text() -> None:
    assert redact_text("a\nsesame\x00b", "sesame") == "a [redacted] b"


@given(st.binary(max_size=300))
def test_any_body_is_classified(raw: bytes) -> None:
    answer = classify(Api.B2C, 200, raw)
    assert answer.outcome in Outcome
    redact_bytes(raw)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists))
def test_any_json_is_read_without_a_float(value: object) -> None:
    parsed = parse_json(json.dumps(value).encode())
    pending = [parsed]
    while pending:
        item = pending.pop()
        assert not isinstance(item, float)
        pending.extend(item if isinstance(item, list) else [])


def test_hostile_json_is_no_json() -> None:
    assert parse_json(b"[" * 100_000) is None
    assert parse_json(b"9" * 5_000) is None
    assert parse_json(b"\xff\xfe") is None


@given(st.text(), st.integers(min_value=0, max_value=50))
def test_cleaned_text_fits_a_database_column(text: str, length: int) -> None:
    cleaned = clean_text(text, length)
    assert len(cleaned.encode("utf-8").decode("utf-8")) <= length
    assert "\x00" not in cleaned
