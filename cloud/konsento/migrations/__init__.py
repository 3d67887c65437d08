"""The tables of the management server's database and how they came about (Alembic)."""

from pathlib import Path

from alembic.config import Config

from konsento.kit import migrating

FOLDER = Path(__file__).parent


def config(url: str) -> Config:
    """Return Alembic's configuration for a database."""
    return migrating.config(url, FOLDER)


def migrate(url: str) -> None:
    """Bring a database to the newest tables; blocks. Not to be called where an event loop runs."""
    migrating.migrate(url, FOLDER)
