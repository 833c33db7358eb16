"""What everything that goes out needs from the environment: queue, providers, mail.

Each rule is a field validator, also the rules between fields: pydantic then reports all
problems of one start together. ``load_settings`` names them without their values.
"""

import re
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from jobs.networks import Networks
from ledger.settings import Environment, LedgerSettings

_SANDBOX_SHORTCODE = "174379"
# The published passkey of that shortcode (Daraja sandbox); anybody can sign with it.
_SANDBOX_PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"
DEVELOPMENT_MARK = "development"
"""Secrets that `cycle up` generates start with this word, so that production can refuse them."""
_PLACEHOLDER_MARK = "change-me"
_URL = r"^https?://[^/?#\s]+(/[^?#\s]*)?$"
_EMAIL = re.compile(r"[^@\s,<>]+@[^@\s,<>]+\.[^@\s,<>]+")
_KEY = re.compile(r"[A-Za-z0-9_-]{24,128}")

Url = Annotated[str, Field(pattern=_URL, max_length=300)]
Secret = Annotated[SecretStr, Field(min_length=1)]
Keys = Annotated[tuple[SecretStr, ...], NoDecode, Field(min_length=1, max_length=2)]
Shortcode = Annotated[str, Field(pattern=r"^[0-9]{5,7}$")]


def in_production(info: ValidationInfo) -> bool:
    """Tell whether the settings under validation are a production's."""
    return info.data.get("environment", Environment.PRODUCTION) is Environment.PRODUCTION


def refuse_development_value(secret: str) -> None:
    """Raise ValueError for a generated development secret or a placeholder of `.env.example`."""
    if secret.startswith(DEVELOPMENT_MARK) or _PLACEHOLDER_MARK in secret:
        raise ValueError("is a development secret, which production refuses")


def split_keys(value: object) -> object:
    """Return comma-separated path keys as a tuple; each 24 to 128 URL-safe characters."""
    if not isinstance(value, str):
        return value
    keys = tuple(part.strip() for part in value.split(",") if part.strip())
    if not all(_KEY.fullmatch(key) for key in keys):
        raise ValueError("each key must be 24 to 128 letters, digits, '-' or '_'")
    return keys


class JobSettings(LedgerSettings):
    """Settings of the worker and of cron; names are the environment's."""

    redis_url: SecretStr = Field(
        description="Redis, `redis://`, `rediss://` or `redis+sentinel://host:port,host:port/service/db`"
    )
    public_url: Url = Field(
        description="Address under which providers reach the web process, without a trailing slash"
    )
    log_json: bool = Field(default=True, description="One JSON object a log line; false for people")
    sentry_dsn: SecretStr | None = Field(
        default=None, description="Sentry address for errors, if any"
    )

    at_username: str = Field(min_length=1, description="Africa's Talking user name")
    at_api_key: Secret = Field(description="Africa's Talking API key")
    at_sender_id: str | None = Field(
        default=None, max_length=11, description="Sender name or shortcode of outgoing SMS"
    )
    at_base_url: Url | None = Field(
        default=None, description="Africa's Talking address when it is not the real one"
    )
    ussd_code: str = Field(
        pattern=r"^\*[0-9]{2,5}(\*[0-9]{1,6})*#$",
        description="The code that customers dial, such as `*384*2929#`",
    )
    sms_code: str = Field(
        pattern=r"^[0-9]{3,6}$", description="The shortcode that customers text keywords to"
    )
    support_number: Annotated[str, Field(pattern=r"^[0-9+ ]{3,16}$")] = Field(
        description="Telephone number that screens name for help"
    )

    mpesa_base_url: Url = Field(
        default="https://api.safaricom.co.ke", description="Daraja's address"
    )
    mpesa_consumer_key: Secret = Field(description="Daraja consumer key")
    mpesa_consumer_secret: Secret = Field(description="Daraja consumer secret")
    mpesa_shortcode: Shortcode = Field(description="Paybill number that deposits go to")
    mpesa_passkey: Secret = Field(description="Passkey of that paybill (Lipa na M-Pesa Online)")
    mpesa_b2c_shortcode: Shortcode = Field(description="Shortcode that withdrawals are paid from")
    mpesa_initiator_name: str = Field(
        min_length=1, description="API operator that signs withdrawals and queries"
    )
    mpesa_initiator_password: Secret | None = Field(
        default=None, description="Its password; needed with MPESA_CERTIFICATE"
    )
    mpesa_certificate: Path | None = Field(
        default=None, description="File of Safaricom's certificate (PEM), to seal the password"
    )
    mpesa_security_credential: Secret | None = Field(
        default=None, validate_default=True, description="The sealed password, when ready-made"
    )
    mpesa_callback_url: Url | None = Field(
        default=None, description="Base of STK callbacks; default `<PUBLIC_URL>/hooks/stk`"
    )
    mpesa_b2c_callback_url: Url | None = Field(
        default=None, description="Base of withdrawal results; default `<PUBLIC_URL>/hooks/b2c`"
    )
    mpesa_b2c_timeout_url: Url | None = Field(
        default=None, description="Base of withdrawal time-outs; default `<PUBLIC_URL>/hooks/b2c`"
    )
    mpesa_c2b_keys: Keys = Field(
        description="Path keys of the paybill hooks: the first is registered, a second still taken"
    )
    mpesa_callback_networks: Networks = Field(
        default=(),
        description="Networks (CIDR, separated by commas) that Safaricom calls from; what comes"
        " from elsewhere is kept and only makes us ask. Empty believes any",
    )

    mpesa_c2b_validated: bool = Field(
        default=False,
        description="Safaricom validates our paybill: a payment nobody asked about is looked up",
    )

    mpesa_float_alarm: Annotated[int, Field(ge=0)] = Field(
        default=50_000, description="Shillings in the utility account below which we raise an alarm"
    )

    mpesa_requests_per_second: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=20,
        description="Requests a second to each API of Daraja by all workers; questions a quarter",
    )

    mpesa_question_pace: Annotated[float, Field(gt=0, le=10)] = Field(
        default=1.0,
        description="Multiplies the waits before asking about payments; a drill takes less than 1",
    )

    smtp_host: str = Field(min_length=1, description="Mail server")
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = Field(
        default=587, description="Its port; 465 speaks TLS at once, others STARTTLS"
    )
    smtp_user: str | None = Field(default=None, description="Mail user, if it asks for one")
    smtp_pass: SecretStr | None = Field(default=None, description="Mail password")
    smtp_from: str = Field(
        pattern=r"^[^@\s,<>]+@[^@\s,<>]+$", description="Sender of outgoing mail"
    )
    admin_emails: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Who gets the organisation's mail, separated by commas"
    )

    @field_validator("pin_pepper", "at_api_key", "mpesa_consumer_secret", "mpesa_passkey")
    @classmethod
    def _no_development_secret(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if in_production(info):
            refuse_development_value(value.get_secret_value())
        return value

    @field_validator("mpesa_c2b_keys", mode="before")
    @classmethod
    def _split_c2b_keys(cls, value: object) -> object:
        return split_keys(value)

    @field_validator("mpesa_c2b_keys")
    @classmethod
    def _no_development_keys(
        cls, value: tuple[SecretStr, ...], info: ValidationInfo
    ) -> tuple[SecretStr, ...]:
        if in_production(info):
            for key in value:
                refuse_development_value(key.get_secret_value())
        return value

    @field_validator("mpesa_shortcode", "mpesa_b2c_shortcode")
    @classmethod
    def _no_sandbox_shortcode(cls, value: str, info: ValidationInfo) -> str:
        if in_production(info) and value == _SANDBOX_SHORTCODE:
            raise ValueError("is Daraja's sandbox shortcode, which production refuses")
        return value

    @field_validator("mpesa_passkey")
    @classmethod
    def _no_sandbox_passkey(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if in_production(info) and value.get_secret_value() == _SANDBOX_PASSKEY:
            raise ValueError("is Daraja's sandbox passkey, which production refuses")
        return value

    @field_validator("at_username")
    @classmethod
    def _no_sandbox_user(cls, value: str, info: ValidationInfo) -> str:
        if in_production(info) and value == "sandbox":
            raise ValueError("is Africa's Talking's test account, which production refuses")
        return value

    @field_validator(
        "public_url", "mpesa_callback_url", "mpesa_b2c_callback_url", "mpesa_b2c_timeout_url"
    )
    @classmethod
    def _callbacks_are_encrypted(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and in_production(info) and not value.startswith("https://"):
            raise ValueError("must start with https:// in production")
        return value.rstrip("/") if value is not None else None

    @field_validator("at_base_url", "mpesa_base_url")
    @classmethod
    def _no_trailing_slash(cls, value: str | None) -> str | None:
        return value.rstrip("/") if value is not None else None

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, value: SecretStr) -> SecretStr:
        if not re.match(r"(rediss?|redis\+sentinel)://[^/]+", value.get_secret_value()):
            raise ValueError("must start with redis://, rediss:// or redis+sentinel://")
        return value

    @field_validator("mpesa_certificate")
    @classmethod
    def _certificate_is_readable(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None:
            return None
        if not value.is_file():
            raise ValueError("names no file")
        if info.data.get("mpesa_initiator_password") is None:
            raise ValueError("needs MPESA_INITIATOR_PASSWORD")
        return value

    @field_validator("mpesa_security_credential")
    @classmethod
    def _one_credential(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None and info.data.get("mpesa_certificate", Path()) is None:
            raise ValueError("is needed when MPESA_CERTIFICATE is not set")
        return value

    @field_validator("admin_emails", mode="before")
    @classmethod
    def _split_emails(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        addresses = tuple(part.strip() for part in value.split(",") if part.strip())
        if not all(_EMAIL.fullmatch(address) for address in addresses):
            raise ValueError("must be mail addresses separated by commas")
        return addresses

    def stk_callback_url(self, token: str) -> str:
        """Return where Daraja reports the verdict on one STK push."""
        return f"{self.mpesa_callback_url or self.public_url + '/hooks/stk'}/{token}"

    def b2c_result_url(self, token: str) -> str:
        """Return where Daraja reports the verdict on one withdrawal."""
        return f"{self.mpesa_b2c_callback_url or self.public_url + '/hooks/b2c'}/{token}/result"

    def b2c_timeout_url(self, token: str) -> str:
        """Return where Daraja reports that one withdrawal waited too long in its queue."""
        return f"{self.mpesa_b2c_timeout_url or self.public_url + '/hooks/b2c'}/{token}/timeout"

    def status_result_url(self, token: str) -> str:
        """Return where Daraja answers a transaction status query."""
        return f"{self.public_url}/hooks/status/{token}/result"

    def status_timeout_url(self, token: str) -> str:
        """Return where Daraja reports that a status query waited too long."""
        return f"{self.public_url}/hooks/status/{token}/timeout"

    def c2b_url(self, step: str) -> str:
        """Return the paybill hook for ``validate`` or ``confirm``, as registered with Daraja."""
        return f"{self.public_url}/hooks/c2b/{self.mpesa_c2b_keys[0].get_secret_value()}/{step}"

    @classmethod
    def load(cls) -> Self:
        """Read the environment, and `.env` in the working directory where it is silent.

        Raises SettingsError, which names every problem and shows no value.
        """
        return load_settings(cls)


class SettingsError(Exception):
    """The environment is not usable; ``problems`` has one line a variable, without values."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


SettingsType = TypeVar("SettingsType", bound=LedgerSettings)


def load_settings(settings_type: type[SettingsType]) -> SettingsType:
    """Return settings from the environment and `.env`; raise SettingsError with every problem."""
    try:
        return settings_type(_env_file=".env")  # type: ignore[call-arg]  # pydantic-settings takes it
    except ValidationError as error:
        raise SettingsError(_problems(error)) from None


def _problems(error: ValidationError) -> list[str]:
    problems = []
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(detail["loc"][0]).upper() if detail["loc"] else "SETTINGS"
        if detail["type"] == "missing":
            problems.append(f"{name} is missing")
        else:
            message = detail["msg"].removeprefix("Value error, ")
            problems.append(f"{name}: {message[0].lower()}{message[1:]}")
    return problems
