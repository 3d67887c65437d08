"""`konsento computation …`."""

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment import commands
from konsento.environment.access import Role
from konsento.environment.base import Trees
from konsento.environment.computation import keeping, library
from konsento.environment.computation.factors.ministry import Edition
from konsento.environment.computation.mix import read_mix
from konsento.environment.computation.models import RegionEntry, Supplier, Token
from konsento.environment.computation.reading import Told
from konsento.environment.computation.runs import compute
from konsento.environment.computation.settings import ComputationSettings
from konsento.environment.errors import UnknownRegion
from konsento.kit.clock import SystemClock

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


@cli.command("compute")
def compute_now() -> None:
    """Compute everything now, as a new run."""
    settings = APP.configured()

    async def work(session: AsyncSession) -> tuple[int, int]:
        now = SystemClock().now()
        await library.add_shipped(session, now)
        run = await compute(session, settings, await Trees(RegionEntry).now(session), now, "asked")
        return run.id, run.wh

    number, wh = APP.run(work)
    typer.echo(f"Run {number}: {wh} Wh in all.")


@cli.command("rebuild")
def rebuild() -> None:
    """Add all energy up anew from what was delivered, for example after a change of the time zone."""
    settings = APP.configured()
    slots = APP.run(lambda session: keeping.rebuild(session, settings.zone))
    typer.echo(f"{slots} half hours have energy.")


@cli.command("import-factors")
def import_factors(
    file: Annotated[Path, typer.Argument(help="The ministry's file (xlsx or CSV), or CSV in the project's layout.")],
    *,
    fiscal_year: Annotated[
        int | None, typer.Option(min=2000, max=2100, help="Of the generation, if the file does not say it.")
    ] = None,
    edition: Annotated[str, typer.Option(help="Day of publication, if the file does not say it.")] = "",
    url: Annotated[str, typer.Option(help="Where the file comes from.")] = "",
) -> None:
    """Add factors of an edition. Nothing is replaced; the next run counts with them where they are newer."""
    factors, told = library.read_factors(file.read_bytes(), Edition(fiscal_year=fiscal_year, edition=edition, url=url))

    async def work(session: AsyncSession) -> int:
        now = SystemClock().now()
        # First what comes with the program, so that the edition is newer.
        await library.add_shipped(session, now)
        return await library.add_factors(session, factors, now)

    added = APP.run(work)
    _tell(told)
    typer.echo(f"{added} factors added, {len(factors) - added} were there already. Run `konsento computation compute`.")


@cli.command("import-mix")
def import_mix(
    file: Annotated[Path, typer.Argument(help="eria_jukyu CSV, ENTSO-E A75 XML, or CSV with MW by source.")],
    region: Annotated[
        str, typer.Option(help="Whose mix it is, for example JP-A03. Found in the names eria_jukyu_….")
    ] = "",
) -> None:
    """Add the fuel mix of a region's half hours; a file that was issued again replaces what it said before."""
    area = region or library.region_of_name(file.name)
    if not area:
        raise typer.BadParameter("the file's name does not tell whose mix it is; say it with --region")
    mix = read_mix(file.read_bytes())

    async def work(session: AsyncSession) -> tuple[int, int, list[Told]]:
        if area not in await Trees(RegionEntry).now(session):
            raise UnknownRegion(region=area)
        return await library.add_mix(session, area, mix, SystemClock().now())

    added, changed, told = APP.run(work)
    _tell(told)
    typer.echo(f"{area}: {added} half hours added, {changed} changed. Run `konsento computation compute`.")


def _tell(told: list[Told]) -> None:
    for one in told:
        where = f"row {one.row}" if one.row else "the file"
        typer.echo(f"{where}: {one.reason}: {one.detail}{' (left out)' if one.refused else ''}", err=True)
