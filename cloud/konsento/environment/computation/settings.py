"""Settings of the computation system from the environment: every name with the prefix `KONSENTO_COMPUTATION_`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from konsento.environment.settings import ServingSettings


class ComputationSettings(ServingSettings):
    """Settings of the computation system."""

    model_config = SettingsConfigDict(env_prefix="KONSENTO_COMPUTATION_")

    database_url: str = "sqlite+aiosqlite:///computation.sqlite3"
    port: int = Field(default=8083, ge=1, le=65535)
