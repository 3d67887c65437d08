"""The tables of the database and how they came about (Alembic)."""

from pathlib import Path

from alembic import command
from alembic.config import Config


def config(url: str) -> Config:
    """Return Alembic's configuration for a database."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.attributes["url"] = url
    return made


def migrate(url: str) -> None:
    """Bring a database to the newest tables; blocks. Not to be called where an event loop runs."""
    command.upgrade(config(url), "head")
