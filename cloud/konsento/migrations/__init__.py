"""The tables of the management server's database and how they came about (Alembic)."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from konsento.kit import migrating

FOLDER = Path(__file__).parent


def config(url: str) -> Config:
    """Return Alembic's configuration for a database."""
    return migrating.config(url, FOLDER)


def revisions() -> list[str]:
    """Return the versions of the tables that this program knows, the newest first."""
    scripts = ScriptDirectory.from_config(config("sqlite://"))
    return [script.revision for script in scripts.walk_revisions()]


def migrate(url: str) -> None:
    """Bring a database to the newest tables; blocks. Not to be called where an event loop runs."""
    migrating.migrate(url, FOLDER)
