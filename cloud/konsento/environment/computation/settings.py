"""Settings of the computation system from the environment: every name with the prefix `KONSENTO_COMPUTATION_`."""

from enum import StrEnum
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from konsento.environment.computation.privacy import Preset
from konsento.environment.settings import ServingSettings


class Span(StrEnum):
    """How long a period of the results is."""

    DAY = "day"
    MONTH = "month"


class ComputationSettings(ServingSettings):
    """Settings of the computation system."""

    model_config = SettingsConfigDict(env_prefix="KONSENTO_COMPUTATION_")

    database_url: str = "sqlite+aiosqlite:///computation.sqlite3"
    port: int = Field(default=8083, ge=1, le=65535)
    time_zone: str = "Asia/Tokyo"
    """In which days and months begin. After a change `konsento computation rebuild` has to be run."""
    period: Span = Span.MONTH
    """Of the results. Shorter ones have fewer outlets each, so less of them can be published."""
    privacy: Preset = Preset.DEFAULT
    """How many outlets a published figure needs: pilot 5, default 10, strict 15."""
    publish_unfinished: bool = False
    """Also periods that are not over: two publications of one then differ by what came between. For demonstrations."""
    settle_hours: int = Field(default=48, ge=0, le=2400)
    """How long after its end a period is published: the slowest site delivers daily, the platform forwards daily."""
    run_minutes: int = Field(default=1440, ge=1, le=10_080)
    """How often is computed anew where something has come in."""
    public_page: bool = False
    """Everybody may read the page and its files; otherwise a reader's token is asked for."""
    keep_days: int = Field(default=400, ge=1, le=3650)
    """Days after which a measurement is deleted; its energy stays in the sums."""

    @field_validator("time_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        ZoneInfo(value)
        return value

    @property
    def zone(self) -> ZoneInfo:
        """Where days and months begin."""
        return ZoneInfo(self.time_zone)
