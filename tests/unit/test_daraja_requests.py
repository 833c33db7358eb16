"""Known answers and bounds of what is sent to Daraja."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from jobs.clients.mpesa.account import DarajaAccount
from jobs.clients.mpesa.clock import compact, parse_compact
from jobs.clients.mpesa.credential import CredentialError, security_credential
from jobs.clients.mpesa.shillings import cents_of, whole_shillings
from jobs.clients.mpesa.stk_push import password
from jobs.clients.mpesa.token import lifetime_seconds
from ledger.core.msisdn import daraja_hash

SANDBOX_PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"


def account(**changed: str) -> DarajaAccount:
    fields = {
        "base_url": "http://daraja.example",
        "consumer_key": "key",
        "consumer_secret": "consumer-secret",
        "shortcode": "174379",
        "passkey": SANDBOX_PASSKEY,
    }
    return DarajaAccount(**(fields | changed))  # type: ignore[arg-type]


def test_password_of_the_published_sandbox_values() -> None:
    assert password("174379", SANDBOX_PASSKEY, "20210628092408") == (
        "MTc0Mzc5YmZiMjc5ZjlhYTliZGJjZjE1OGU5N2RkNzFhNDY3Y2QyZTBjODkzMDU5YjEwZjc4ZTZiNzJhZGExZWQy"
        "YzkxOTIwMjEwNjI4MDkyNDA4"
    )


def test_hash_of_the_published_sample_number() -> None:
    assert daraja_hash("+254705912645") == hashlib.sha256(b"254705912645").hexdigest()
    assert daraja_hash("+254705912645").startswith("94c392c311d522da")


def test_times_are_east_african_whatever_the_zone_of_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = datetime(2025, 12, 31, 22, 30, 5, tzinfo=UTC)
    for zone in ("UTC", "America/New_York", "Asia/Tokyo"):
        monkeypatch.setenv("TZ", zone)
        assert compact(moment) == "20260101013005"
    assert parse_compact("20260101013005") == moment
    assert parse_compact("01.01.2026 01:30:05") == moment
    assert parse_compact("yesterday") is None


def test_secrets_stay_out_of_repr() -> None:
    shown = repr(account(initiator_password="open-sesame", security_credential="c-c-c"))
    assert not [
        secret for secret in ("consumer-secret", SANDBOX_PASSKEY, "sesame", "c-c-c")
        if secret in shown
    ]  # fmt: skip


def test_credential_opens_with_the_private_key() -> None:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "apigee")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
        .public_bytes(Encoding.PEM)
        .decode()
    )
    sealed = account(certificate=certificate, initiator_password="Safaricom999!*!")
    first, second = security_credential(sealed), security_credential(sealed)
    assert first != second
    assert len(first) == 344
    assert key.decrypt(base64.b64decode(first), PKCS1v15()) == b"Safaricom999!*!"


def test_ready_made_credential_is_used_as_it_is() -> None:
    assert security_credential(account(security_credential="ready")) == "ready"


@pytest.mark.parametrize("changed", [{}, {"certificate": "x", "initiator_password": "y"}])
def test_missing_or_broken_certificate_is_named(changed: dict[str, str]) -> None:
    with pytest.raises(CredentialError):
        security_credential(account(**changed))


@pytest.mark.parametrize("cents", [0, 50, 99, 1050, -100])
def test_only_whole_shillings_leave(cents: int) -> None:
    with pytest.raises(ValueError, match="whole shillings"):
        whole_shillings(cents)


@pytest.mark.parametrize(
    ("value", "cents"),
    [
        (10, 1000),
        (Decimal("10.00"), 1000),
        (Decimal("1.0"), 100),
        ("300", 30000),
        (" 5.00 ", 500),
        ("5.001", None),
        ("NaN", None),
        ("1e400000", None),
        ("1E3", 100_000),
        (True, None),
        (None, None),
        ([1], None),
        ("ten", None),
        (Decimal("1e999999"), None),
    ],
)
def test_amounts_are_read_in_every_spelling(value: object, cents: int | None) -> None:
    assert cents_of(value) == cents


@given(st.one_of(st.text(), st.integers(), st.decimals(), st.booleans(), st.none()))
def test_any_amount_is_cents_or_nothing(value: object) -> None:
    assert isinstance(cents_of(value), int | None)


@pytest.mark.parametrize(
    ("value", "seconds"), [("3599", 3599), (3600, 3600), (None, 3599), ("soon", 3599), (-1, 3599)]
)
def test_token_lifetimes(value: object, seconds: int) -> None:
    assert lifetime_seconds(value) == seconds
