"""`konsento portal …`."""

import asyncio

import typer
from pydantic import ValidationError

from konsento.kit import handover
from konsento.portal import directory
from konsento.portal.errors import BadDirectory
from konsento.portal.settings import PortalSettings

cli = typer.Typer(
    help="The portal of a coordinator of several suppliers. Settings: KONSENTO_PORTAL_… (docs/suppliers.md).",
    no_args_is_help=True,
)


def _settings() -> PortalSettings:
    try:
        return PortalSettings()  # type: ignore[call-arg]  # from the environment
    except ValidationError as error:
        mistakes = [
            f"KONSENTO_PORTAL_{'_'.join(str(part) for part in mistake['loc']).upper()}: {mistake['msg']}"
            for mistake in error.errors(include_input=False, include_url=False)
        ]
        raise BadDirectory(mistakes="\n".join(mistakes)) from error


@cli.command()
def serve() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    # Only this command needs the web framework.
    from konsento.kit.logs import configure_log  # noqa: PLC0415
    from konsento.portal.app import serve as serve_portal  # noqa: PLC0415

    settings = _settings()
    found = directory.read(settings.directory)
    configure_log(settings.log_level, settings.log_format)
    asyncio.run(serve_portal(settings, found))


@cli.command()
def check() -> None:
    """Check settings and directory, and print the address of every outlet, as its QR code leads there."""
    settings = _settings()
    found = directory.read(settings.directory)
    for site in found.sites:
        for outlet in site.outlets:
            place = found.place(f"{site.common_name}.{outlet.number}")
            if place is not None:
                typer.echo(f"{site.name}, {outlet.name}: {settings.base_url}/o/{place.code}")


@cli.command()
def key() -> None:
    """Make a key to share with one supplier; it signs links from here to there."""
    typer.echo(handover.new_key())
