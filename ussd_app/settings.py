"""What everything that comes in needs from the environment."""

from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from jobs.networks import Networks
from jobs.settings import JobSettings, Keys, in_production, refuse_development_value, split_keys


class Settings(JobSettings):
    """Settings of the web process and of the `cycle` command; names are the environment's."""

    secret_key: SecretStr = Field(
        min_length=32, description="Signs console sessions and API tokens, keys session digests"
    )
    at_callback_keys: Keys = Field(
        description="Path keys of Africa's Talking's callbacks: one, or two during a rotation"
    )
    at_callback_networks: Networks = Field(
        default=(),
        description="Networks (CIDR, separated by commas) that may call /at; empty takes any",
    )
    trusted_proxies: Annotated[int, Field(ge=0, le=5)] = Field(
        default=0, description="Reverse proxies in front whose X-Forwarded-For is believed"
    )
    web_threads: Annotated[int, Field(ge=1, le=256)] = Field(
        default=16,
        description="Threads of one web process for pages and API, and as many for callbacks",
    )

    @field_validator("secret_key")
    @classmethod
    def _no_development_secret_key(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if in_production(info):
            refuse_development_value(value.get_secret_value())
        return value

    @field_validator("at_callback_keys", mode="before")
    @classmethod
    def _split_callback_keys(cls, value: object) -> object:
        return split_keys(value)

    @field_validator("at_callback_keys")
    @classmethod
    def _no_development_callback_keys(
        cls, value: tuple[SecretStr, ...], info: ValidationInfo
    ) -> tuple[SecretStr, ...]:
        if in_production(info):
            for key in value:
                refuse_development_value(key.get_secret_value())
        return value
