"""Settings of the platform from the environment: every name with the prefix `KONSENTO_PLATFORM_`."""

from enum import StrEnum
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from konsento.environment.settings import ServingSettings


class Form(StrEnum):
    """In which form measurements are forwarded."""

    SINGLE = "single"
    """One by one, many in a request."""
    SETS = "sets"
    """One by one, those of one region in a request of their own."""
    SUMS = "sums"
    """As sums by region, power type, supplier, use and half hour."""


class Every(StrEnum):
    """How often is forwarded without being asked."""

    HOURLY = "hourly"
    TWELVE_HOURLY = "12-hourly"
    DAILY = "daily"
    NEVER = "never"

    @property
    def seconds(self) -> int | None:
        """The time between two; None for never."""
        return {"hourly": 3600, "12-hourly": 43_200, "daily": 86_400}.get(self.value)


class PlatformSettings(ServingSettings):
    """Settings of the platform."""

    model_config = SettingsConfigDict(env_prefix="KONSENTO_PLATFORM_")

    database_url: str = "sqlite+aiosqlite:///platform.sqlite3"
    port: int = Field(default=8082, ge=1, le=65535)
    computation_url: str = Field(default="", max_length=200, pattern=r"^$|^https?://[^/@\s]+(/[^@\s]*)?$")
    """Address of the computation system; empty: nothing is forwarded."""
    computation_token: SecretStr = SecretStr("")
    """Token that the computation system has made for this platform (role `platform`)."""
    forward: Form = Form.SINGLE
    """In which form is forwarded."""
    forward_every: Every = Every.HOURLY
    """How often is forwarded without being asked."""
    ask_every_s: int = Field(default=300, ge=1, le=86_400)
    """How often the computation system is asked whether it wants what is outstanding."""
    keep_days: int = Field(default=90, ge=0, le=3650)
    """Days after which a forwarded measurement is deleted here; its share of the sums stays."""
    time_zone: ZoneInfo = ZoneInfo("Asia/Tokyo")
    """In which days and months of sums begin."""

    @model_validator(mode="after")
    def _with_token(self) -> Self:
        if self.computation_url and not self.computation_token.get_secret_value():
            raise ValueError("KONSENTO_PLATFORM_COMPUTATION_TOKEN is needed where there is a computation system")
        return self
