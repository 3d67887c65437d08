"""`konsento platform …`."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from konsento.environment import commands
from konsento.environment.access import Role
from konsento.environment.base import Office
from konsento.environment.platform.models import RegionEntry, Supplier, Token
from konsento.environment.platform.settings import Form, PlatformSettings
from konsento.kit.clock import SystemClock
from konsento.kit.migrating import migrate

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


def _run[T](work: Callable[[Office, PlatformSettings], Awaitable[T]]) -> T:
    """Do a command's work with what the application works with; a running one sends what it makes due."""
    from konsento.environment.platform.app import wire  # noqa: PLC0415  # loads the web framework

    settings = APP.configured()
    migrate(settings.database_url, APP.migrations)

    async def done() -> T:
        office = wire(settings, SystemClock())
        try:
            return await work(office, settings)
        finally:
            await office.database.close()

    return asyncio.run(done())


@cli.command()
def forward(
    form: Annotated[Form | None, typer.Option(help="As single measurements, sets by region, or sums.")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Those too that were refused before.")] = False,
) -> None:
    """Forward what is outstanding now; the running platform sends it within seconds."""
    from konsento.environment.platform import forwarding  # noqa: PLC0415

    async def work(office: Office, settings: PlatformSettings) -> forwarding.Collected:
        if refused:
            async with office.database.transaction() as session:
                await forwarding.again(session)
        return await forwarding.collect_all(office, form or settings.forward)

    found = _run(work)
    typer.echo(f"{found.measurements} measurements in {found.deliveries} deliveries.")


@cli.command()
def retry() -> None:
    """Try deliveries again that were given up."""
    from konsento.environment.platform.work import revive  # noqa: PLC0415

    typer.echo(f"{_run(lambda office, _: revive(office))} deliveries are tried again.")


@cli.command()
def ask(name: Annotated[str | None, typer.Argument(help="Name of a site's token; all without.")] = None) -> None:
    """Ask sites for what is outstanding; each learns of it when it looks next, within five minutes."""
    from konsento.environment.platform.service import ask_sites  # noqa: PLC0415

    async def work(office: Office, _settings: PlatformSettings) -> int:
        async with office.database.transaction() as session:
            return await ask_sites(session, office, name)

    typer.echo(f"{_run(work)} sites are asked.")


@cli.command()
def overview() -> None:
    """Show by region what came and what waits, what was refused, and what is stuck."""
    from konsento.environment.platform import overview as overviews  # noqa: PLC0415

    async def work(office: Office, _settings: PlatformSettings) -> overviews.Overview:
        async with office.database.transaction() as session:
            return await overviews.overview(session, await office.trees.now(session))

    typer.echo(_run(work).model_dump_json(indent=2))
