"""SecurityCredential: the initiator's password under Safaricom's public key (Daraja 1.14)."""

import base64
import binascii
import datetime
import hmac
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from standin.books import Outcome
from standin.scenarios import CREDENTIAL_LOCKED, INITIATOR_INVALID
from standin.settings import StandinSettings

_KEY_BITS = 2048
_TRIES_MAX = 3


def generate_private_key() -> str:
    """Return a new RSA private key as PEM text."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def certificate_of(private_key_pem: str) -> str:
    """Return a self-signed X.509 certificate as PEM text, in the role of Safaricom's."""
    key = _load(private_key_pem)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "apigee.localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _load(pem: str) -> rsa.RSAPrivateKey:
    # The key is our own, and proving its primes again takes longer than all else at start.
    key = serialization.load_pem_private_key(
        pem.encode(), password=None, unsafe_skip_rsa_key_validation=True
    )
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("STANDIN_PRIVATE_KEY must be an RSA key")
    return key


class Credentials:
    """Checks initiators. Three wrong passwords lock the initiator until ``unlock``."""

    def __init__(self, settings: StandinSettings) -> None:
        given = settings.standin_private_key
        self._pem = given.get_secret_value() if given else generate_private_key()
        self._key = _load(self._pem)
        self._settings = settings
        self._lock = threading.Lock()
        self._failures = 0

    def certificate(self) -> str:
        """Return the certificate with which callers encrypt."""
        return certificate_of(self._pem)

    def refuse(self, initiator: str, credential: str) -> Outcome | None:
        """Return the asynchronous outcome for a wrong initiator or password, or None."""
        right = initiator == self._settings.mpesa_initiator_name and self._opens(credential)
        with self._lock:
            if self._failures >= _TRIES_MAX:
                return CREDENTIAL_LOCKED
            if right:
                self._failures = 0
                return None
            self._failures += 1
            return INITIATOR_INVALID

    def unlock(self) -> None:
        """Let the initiator try again."""
        with self._lock:
            self._failures = 0

    def _opens(self, credential: str) -> bool:
        expected = self._settings.mpesa_initiator_password.get_secret_value().encode()
        try:
            sealed = base64.b64decode(credential, validate=True)
            return hmac.compare_digest(self._key.decrypt(sealed, padding.PKCS1v15()), expected)
        except (binascii.Error, ValueError):
            return False
