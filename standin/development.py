"""The environment of a development machine: generated secrets, kept where told.

Every secret starts with the word ``development``, by which production recognises and
refuses it.
"""

import datetime
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

USSD_CODE = "*384*2929#"
SMS_CODE = "22929"
SHORTCODE = "600966"
ADMIN_EMAIL = "admin@cycle.example"
_NAMES = (
    "SECRET_KEY",
    "PIN_PEPPER",
    "AT_API_KEY",
    "AT_CALLBACK_KEYS",
    "MPESA_CONSUMER_KEY",
    "MPESA_CONSUMER_SECRET",
    "MPESA_PASSKEY",
    "MPESA_INITIATOR_PASSWORD",
    "MPESA_C2B_KEYS",
    "ADMIN_PASSWORD",
)
_CERTIFICATE_DAYS = 3650


@dataclass(frozen=True)
class DevelopmentSecrets:
    """Secrets by variable name, and the key pair that stands for Safaricom's."""

    values: dict[str, str]
    private_key: str
    certificate_file: Path

    @classmethod
    def of_folder(cls, folder: Path) -> "DevelopmentSecrets":
        """Return the folder's secrets; make them on the first call."""
        folder.mkdir(parents=True, exist_ok=True)
        file, certificate = folder / "secrets.json", folder / "mpesa.pem"
        if not file.exists() or not certificate.exists():
            key, pem = _key_pair()
            certificate.write_text(pem)
            values = {name: f"development-{secrets.token_urlsafe(24)}" for name in _NAMES}
            file.touch(mode=0o600)
            file.write_text(json.dumps({"values": values, "private_key": key}))
        stored = json.loads(file.read_text())
        return cls(stored["values"], stored["private_key"], certificate.resolve())


def environment(
    of: DevelopmentSecrets,
    *,
    database_url: str,
    redis_url: str,
    web_url: str,
    standin_url: str,
    smtp_port: int,
) -> dict[str, str]:
    """Return every variable that the product and the stand-in need on one machine."""
    paybill = f"{web_url}/hooks/c2b/{of.values['MPESA_C2B_KEYS']}"
    product = {name: value for name, value in of.values.items() if name != "ADMIN_PASSWORD"}
    return {
        **product,
        "ENVIRONMENT": "development",
        "DATABASE_URL": database_url,
        "DATABASE_OWNER_URL": database_url,
        "REDIS_URL": redis_url,
        "PUBLIC_URL": web_url,
        "LOG_JSON": "false",
        "AT_USERNAME": "cycle",
        "AT_SENDER_ID": "CYCLE",
        "AT_BASE_URL": f"{standin_url}/at",
        "USSD_CODE": USSD_CODE,
        "SUPPORT_NUMBER": "0700000000",
        "SMS_CODE": SMS_CODE,
        "MPESA_BASE_URL": f"{standin_url}/daraja",
        "MPESA_SHORTCODE": SHORTCODE,
        "MPESA_B2C_SHORTCODE": SHORTCODE,
        "MPESA_INITIATOR_NAME": "cycle",
        "MPESA_CERTIFICATE": str(of.certificate_file),
        "STANDIN_PRIVATE_KEY": of.private_key,
        "STANDIN_C2B_CONFIRMATION_URL": f"{paybill}/confirm",
        "STANDIN_C2B_VALIDATION_URL": f"{paybill}/validate",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(smtp_port),
        "SMTP_FROM": "receipts@cycle.example",
        "ADMIN_EMAILS": ADMIN_EMAIL,
    }


def _key_pair() -> tuple[str, str]:
    """Return a private key and its self-signed certificate, both PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stand-in for Daraja")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=_CERTIFICATE_DAYS))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()
