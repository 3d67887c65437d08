"""`konsento computation …`."""

from pathlib import Path

from konsento.environment import commands
from konsento.environment.access import Role
from konsento.environment.computation.models import RegionEntry, Supplier, Token
from konsento.environment.computation.settings import ComputationSettings

APP = commands.App(
    settings=ComputationSettings,
    prefix="KONSENTO_COMPUTATION_",
    migrations=Path(__file__).parent / "migrations",
    tokens=Token,
    regions=RegionEntry,
    suppliers=Supplier,
    roles=(Role.SITE, Role.PLATFORM, Role.READER, Role.OPERATOR),
)


async def _serve(settings: ComputationSettings) -> None:
    # Only this command needs the web framework.
    from konsento.environment.computation.app import serve  # noqa: PLC0415

    await serve(settings)


cli = commands.commands(
    APP, "The computation system: carbon by region. Settings: KONSENTO_COMPUTATION_… (docs/environment.md).", _serve
)
