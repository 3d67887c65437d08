"""The commands that both applications have: serve, tokens, and what is imported into their registers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from konsento.environment import access, regions, registers
from konsento.environment.access import Role
from konsento.environment.base import RegionRow, SupplierRow, TokenRow, Trees
from konsento.environment.errors import BadRegionsFile, BadSuppliersFile, UnknownRegion
from konsento.environment.settings import ServingSettings
from konsento.kit.clock import SystemClock
from konsento.kit.db import Database
from konsento.kit.errors import KonsentoError
from konsento.kit.migrating import migrate


class BadSettings(KonsentoError):
    """A setting has a value that it cannot have."""

    message = "These settings cannot be used: {mistakes}"


@dataclass(frozen=True, kw_only=True)
class App[S: ServingSettings]:
    """What the commands need to know of an application."""

    settings: Callable[[], S]
    """Reads them from the environment, with `prefix`."""
    prefix: str
    migrations: Path
    tokens: type[TokenRow]
    regions: type[RegionRow]
    suppliers: type[SupplierRow]
    roles: tuple[Role, ...]
    """That tokens of it can have."""

    def configured(self) -> S:
        """Return the settings from the environment. Raises `BadSettings`, never with a value: it may be a secret."""
        try:
            return self.settings()
        except ValidationError as error:
            mistakes = [
                f"{self.prefix}{'_'.join(str(part) for part in m['loc']).upper()}: {m['msg']}"
                for m in error.errors(include_input=False, include_url=False)
            ]
            raise BadSettings(mistakes="; ".join(mistakes)) from error

    @asynccontextmanager
    async def transaction(self, settings: S) -> AsyncIterator[AsyncSession]:
        """Give the one transaction of a command."""
        database = Database(settings.database_url)
        try:
            async with database.transaction() as session:
                yield session
        finally:
            await database.close()

    def run[T](self, work: Callable[[AsyncSession], Coroutine[Any, Any, T]]) -> T:
        """Do a command's work in one transaction of an up-to-date database."""
        settings = self.configured()
        migrate(settings.database_url, self.migrations)

        async def done() -> T:
            async with self.transaction(settings) as session:
                return await work(session)

        return asyncio.run(done())


def commands[S: ServingSettings](
    app: App[S], help_text: str, serve: Callable[[S], Coroutine[Any, Any, None]]
) -> typer.Typer:
    """Return the commands of an application; it adds its own."""
    cli = typer.Typer(help=help_text, no_args_is_help=True)
    tokens = typer.Typer(help="Tokens with which systems and people speak to it.", no_args_is_help=True)
    cli.add_typer(tokens, name="token")
    cli.add_typer(_imports(app), name="import")

    @cli.command("serve")
    def serve_it() -> None:
        """Serve until SIGTERM or Ctrl-C."""
        # Only this command needs the web framework, which takes longer to load than the others to run.
        from konsento.kit.logs import configure_log  # noqa: PLC0415

        settings = app.configured()
        configure_log(settings.log_level, settings.log_format)
        migrate(settings.database_url, app.migrations)
        asyncio.run(serve(settings))

    @cli.command("migrate")
    def migrate_it() -> None:
        """Bring the database to this version's tables. The other commands do it by themselves."""
        migrate(app.configured().database_url, app.migrations)
        typer.echo("The database is up to date.")

    @tokens.command("add")
    def token_add(
        name: Annotated[str, typer.Argument(help="How the operator calls it, for example the site's name.")],
        role: Annotated[Role, typer.Option(help=f"What it is for: {', '.join(app.roles)}.")],
        region: Annotated[list[str] | None, typer.Option(help="A region that it is bound to; again for more.")] = None,
    ) -> None:
        """Make a token and print it; it is shown this once."""
        if role not in app.roles:
            raise typer.BadParameter(f"tokens here are for {', '.join(app.roles)}")
        if not 0 < len(name) <= 100 or len(region or []) > 80:
            raise typer.BadParameter("a name has 1 to 100 characters, and a token at most 80 regions")

        async def work(session: AsyncSession) -> str:
            tree = await Trees(app.regions).now(session)
            for one in region or []:
                if one not in tree:
                    raise UnknownRegion(region=one)
            return await access.make(
                session, app.tokens, name=name, role=role, regions=region or [], now=SystemClock().now()
            )

        typer.echo(app.run(work))

    @tokens.command("list")
    def token_list() -> None:
        """List the tokens: name, role, regions, last delivery."""
        for row in app.run(lambda session: access.listed(session, app.tokens)):
            state = "ended" if row.ended_at else f"last delivery {row.delivered_at or 'never'}"
            typer.echo(f"{row.name}\t{row.role}\t{row.regions or 'all regions'}\t{state}")

    @tokens.command("end")
    def token_end(name: Annotated[str, typer.Argument(help="The token's name.")]) -> None:
        """End a token: from now on it lets nobody in."""
        app.run(lambda session: access.end(session, app.tokens, name, SystemClock().now()))
        typer.echo(f"The token {name} has ended.")

    return cli


def _imports[S: ServingSettings](app: App[S]) -> typer.Typer:
    imports = typer.Typer(help="Take registers from files.", no_args_is_help=True)

    @imports.command("regions")
    def import_regions(
        file: Annotated[Path, typer.Argument(help="CSV: code,parent,kind,name_en,name_ja,municipalities.")],
    ) -> None:
        """Add regions to the tree, or replace them."""
        rows = regions.read(_text(file, BadRegionsFile))
        count = app.run(lambda session: registers.import_regions(session, app.regions, rows, SystemClock().now()))
        typer.echo(f"{count} regions imported.")

    @imports.command("municipalities")
    def import_municipalities(
        file: Annotated[Path, typer.Argument(help="The ministry's list 全国地方公共団体コード, saved as CSV.")],
    ) -> None:
        """Add Japan's municipalities to the tree, or replace their names."""
        rows = regions.read_municipalities(_text(file, BadRegionsFile), regions.shipped())
        count = app.run(lambda session: registers.import_regions(session, app.regions, rows, SystemClock().now()))
        typer.echo(f"{count} municipalities imported.")

    @imports.command("suppliers")
    def import_suppliers(
        file: Annotated[Path, typer.Argument(help="CSV: code, name; further columns are passed over.")],
    ) -> None:
        """Add suppliers to the register, or replace their names."""
        rows = registers.read_suppliers(_text(file, BadSuppliersFile))
        count = app.run(lambda session: registers.import_suppliers(session, app.suppliers, rows))
        typer.echo(f"The register holds {count} suppliers now.")

    return imports


def _text(file: Path, refused: type[KonsentoError]) -> str:
    try:
        return registers.decoded(file.read_bytes())
    except UnicodeDecodeError as error:
        raise refused(line=1, reason="the encoding is neither UTF-8 nor Shift_JIS (cp932)") from error
