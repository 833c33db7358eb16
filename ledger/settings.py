"""What the ledger needs from the environment. Only settings modules read it."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Environment(StrEnum):
    """Where a process runs; production refuses sandbox values and development secrets."""

    PRODUCTION = "production"
    DEVELOPMENT = "development"


class LedgerSettings(BaseSettings):
    """Settings of every process that touches the ledger; names are the environment's."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    environment: Environment = Field(
        default=Environment.PRODUCTION,
        description="`production`, or `development` for one machine without customers",
    )
    database_url: SecretStr = Field(
        description="PostgreSQL for the application; row-level security applies"
    )
    database_owner_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL as the owner of the tables; only migrations and restore need it",
    )
    database_pool_max: Annotated[int, Field(ge=1, le=200)] = Field(
        default=20, description="Most database connections one process may hold"
    )
    pin_pepper: SecretStr = Field(min_length=32, description="Secret key mixed into every PIN hash")
