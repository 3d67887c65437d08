"""`konsento platform …`."""

from pathlib import Path

from konsento.environment import commands
from konsento.environment.access import Role
from konsento.environment.platform.models import RegionEntry, Supplier, Token
from konsento.environment.platform.settings import PlatformSettings

APP = commands.App(
    settings=PlatformSettings,
    prefix="KONSENTO_PLATFORM_",
    migrations=Path(__file__).parent / "migrations",
    tokens=Token,
    regions=RegionEntry,
    suppliers=Supplier,
    roles=(Role.SITE, Role.READER, Role.OPERATOR),
)


async def _serve(settings: PlatformSettings) -> None:
    # Only this command needs the web framework.
    from konsento.environment.platform.app import serve  # noqa: PLC0415

    await serve(settings)


cli = commands.commands(APP, "The cooperation platform. Settings: KONSENTO_PLATFORM_… (docs/environment.md).", _serve)
