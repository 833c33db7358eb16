"""The SecurityCredential of initiator APIs (Daraja 1.14): RSA, PKCS#1 v1.5, base64."""

import base64

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from jobs.clients.mpesa.account import DarajaAccount


class CredentialError(Exception):
    """The account has neither a ready-made credential nor what makes one."""


def security_credential(account: DarajaAccount) -> str:
    """Return the ready-made credential, or the initiator's password encrypted to Safaricom.

    The padding is random: every call gives another text. Raises ``CredentialError``.
    """
    if account.security_credential:
        return account.security_credential
    if not account.certificate or not account.initiator_password:
        raise CredentialError("an initiator password and Safaricom's certificate are needed")
    try:
        key = x509.load_pem_x509_certificate(account.certificate.encode()).public_key()
    except ValueError as error:
        raise CredentialError("Safaricom's certificate is not readable") from error
    if not isinstance(key, RSAPublicKey):
        raise CredentialError("Safaricom's certificate holds no RSA key")
    sealed = key.encrypt(account.initiator_password.encode("utf-8"), PKCS1v15())
    return base64.b64encode(sealed).decode("ascii")
