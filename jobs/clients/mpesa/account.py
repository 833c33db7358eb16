"""The organisation's account at Daraja: address, keys and shortcodes."""

from dataclasses import dataclass, field

from pydantic import SecretStr

from jobs.settings import JobSettings


@dataclass(frozen=True, slots=True)
class DarajaAccount:
    """Everything one call to Daraja needs to know about us. Secrets stay out of ``repr``.

    ``certificate`` is the PEM text of Safaricom's certificate; it and ``initiator_password``
    may be replaced by a ready-made ``security_credential``.
    """

    base_url: str
    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    shortcode: str
    passkey: str = field(repr=False)
    payout_shortcode: str = ""
    initiator_name: str = ""
    initiator_password: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    security_credential: str = field(default="", repr=False)
    connect_timeout_seconds: float = 5.0
    read_timeout_seconds: float = 30.0
    requests_per_second: int = 20

    @classmethod
    def of_settings(cls, settings: JobSettings) -> "DarajaAccount":
        """Return the account that the environment describes, its certificate file read."""
        certificate = settings.mpesa_certificate
        return cls(
            base_url=settings.mpesa_base_url,
            consumer_key=settings.mpesa_consumer_key.get_secret_value(),
            consumer_secret=settings.mpesa_consumer_secret.get_secret_value(),
            shortcode=settings.mpesa_shortcode,
            passkey=settings.mpesa_passkey.get_secret_value(),
            payout_shortcode=settings.mpesa_b2c_shortcode,
            initiator_name=settings.mpesa_initiator_name,
            initiator_password=_revealed(settings.mpesa_initiator_password),
            certificate="" if certificate is None else certificate.read_text("ascii"),
            security_credential=_revealed(settings.mpesa_security_credential),
            requests_per_second=settings.mpesa_requests_per_second,
        )


@dataclass(frozen=True, slots=True)
class ResultUrls:
    """Where Daraja posts the result of an asynchronous request, and its queue timeout."""

    result: str
    timeout: str

    @classmethod
    def of_payout(cls, settings: JobSettings, token: str) -> "ResultUrls":
        """Return the addresses of one payout (Daraja 1.8)."""
        return cls(settings.b2c_result_url(token), settings.b2c_timeout_url(token))

    @classmethod
    def of_question(cls, settings: JobSettings, token: str) -> "ResultUrls":
        """Return the addresses of one status, balance or reversal request (Daraja 1.9 to 1.11)."""
        return cls(settings.status_result_url(token), settings.status_timeout_url(token))


def _revealed(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
