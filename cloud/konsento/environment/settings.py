"""The settings that both applications have. Each reads them with a prefix of its own."""

from pydantic import Field
from pydantic_settings import BaseSettings

from konsento.kit.logs import LogFormat


class ServingSettings(BaseSettings):
    """Where an application listens and keeps its data."""

    database_url: str
    """SQLAlchemy URL with an async driver."""
    host: str = "127.0.0.1"
    """Address that it listens on."""
    port: int = Field(ge=1, le=65535)
    """Port that it listens on."""
    public_url: str = Field(default="", pattern=r"^$|^https?://[^/@\s]+(/[^@\s]*)?$")
    """Address under which others reach it; with `https:` browsers are told to insist on it."""
    any_supplier: bool = True
    """Any well-formed code of a supplier is taken; false: only those that were imported (`import suppliers`)."""
    log_format: LogFormat = LogFormat.TEXT
    """`text` for people, or `json`: one object a line."""
    log_level: str = "INFO"
    """Level of the log."""

    @property
    def is_https(self) -> bool:
        """Whether others reach it over TLS."""
        return self.public_url.startswith("https:")
