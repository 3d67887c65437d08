"""Settings of the portal, from the environment: every name below with the prefix `KONSENTO_PORTAL_`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from konsento.kit.logs import LogFormat


class PortalSettings(BaseSettings):
    """Where the portal listens and what it shows."""

    model_config = SettingsConfigDict(env_prefix="KONSENTO_PORTAL_")

    directory: Path
    """TOML file with suppliers, sites and outlets (`portal.directory`)."""
    host: str = "127.0.0.1"
    """Address that it listens on."""
    port: int = Field(default=8082, ge=1, le=65535)
    """Port that it listens on."""
    public_url: str = Field(default="http://127.0.0.1:8082", pattern=r"^https?://[^/@\s?#]+(/[^@\s?#]*)?$")
    """Address under which drivers reach it; QR codes hold it, and suppliers register it."""
    operator_name: str = Field(default="Konsento", max_length=100)
    """Who coordinates the suppliers, as drivers read it."""
    support_contact: str = Field(default="", max_length=100)
    """Where drivers get help, as they read it; empty for none."""
    log_format: LogFormat = LogFormat.TEXT
    """`text` for people, or `json`: one object a line."""
    log_level: str = "INFO"
    """Level of the log."""

    @property
    def base_url(self) -> str:
        """`public_url` without a slash at its end: by it suppliers know the portal."""
        return self.public_url.rstrip("/")
