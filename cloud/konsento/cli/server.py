"""`konsento …`: what an operator does with the management server itself."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from konsento import provisioning
from konsento.accounts import repository as accounts
from konsento.accounts.contact import normal_email
from konsento.charging import outlet_labels
from konsento.kit.clock import SystemClock
from konsento.kit.db import Database
from konsento.kit.i18n import LANGUAGES, Language
from konsento.kit.money import major_from_minor, minor_from_major
from konsento.kit.work import WorkQueue
from konsento.ledger.check import Finding
from konsento.migrations import migrate as bring_up_to_date
from konsento.models import Role
from konsento.operations import audit
from konsento.payments import balance as balances
from konsento.settings import Settings
from konsento.settlement import checking
from konsento.sites import codes, labels
from konsento.sites import service as sites
from konsento.sites.labels.sheets import DEFAULT as DEFAULT_LAYOUT
from konsento.sites.provisioning import BadFileError, Changes
from konsento.staff import service as members
from konsento.statements.months import Month, month_at, month_of

cli = typer.Typer(add_completion=False)
balance = typer.Typer(help="Prepaid balances.", no_args_is_help=True)
cli.add_typer(balance, name="balance")
ledger = typer.Typer(help="The books.", no_args_is_help=True)
cli.add_typer(ledger, name="ledger")
staff = typer.Typer(help="Who works in the back office.", no_args_is_help=True)
cli.add_typer(staff, name="staff")


class _RefusedError(Exception):
    """A command cannot be carried out; the message is for the person at the terminal."""


@cli.command()
def serve() -> None:
    """Serve the pages and the OCPP gateway until SIGTERM or Ctrl-C."""
    # Only this command needs the web framework, which takes longer to load than the others to run.
    from konsento import app  # noqa: PLC0415
    from konsento.kit.logs import configure_log  # noqa: PLC0415

    settings = _settings()
    configure_log(settings.log_level, settings.log_format)
    asyncio.run(app.serve(settings))


@cli.command()
def migrate() -> None:
    """Bring the database to this version's tables. `serve`, `apply` and `balance` do it by themselves."""
    settings = _settings()
    bring_up_to_date(settings.database_url)
    typer.echo("The database is up to date.")


@cli.command()
def openapi() -> None:
    """Print the OpenAPI 3.1 document of the API, for those who make clients."""
    from konsento.api.install import openapi as document  # noqa: PLC0415  # loads the web framework

    typer.echo(json.dumps(document(_settings()), indent=2, ensure_ascii=False))


@cli.command()
def apply(file: Annotated[Path, typer.Argument(help="TOML file with tariffs, sites and outlets.")]) -> None:
    """Set up what a file says. Applied again it changes nothing."""
    settings = _settings()
    content = provisioning.read(file)
    bring_up_to_date(settings.database_url)
    changes = asyncio.run(_apply(settings, content))
    for line in changes.lines or ["Nothing to change."]:
        typer.echo(line)
    for where, code in changes.outlet_codes.items():
        typer.echo(f"{where}: {settings.public_url}/o/{code}  ({codes.label(code)})")


async def _apply(settings: Settings, content: provisioning.Provisioning) -> Changes:
    clock = SystemClock()
    async with _database(settings) as database, database.transaction() as session:
        changes = await provisioning.apply(session, content, settings, clock.now())
        # The server, which may run, tells them.
        await outlet_labels.after_change(
            session, WorkQueue(database, clock), [site.station_id for site in content.sites]
        )
        return changes


@balance.command("add")
def balance_add(
    email: Annotated[str, typer.Argument(help="The driver's e-mail address.")],
    amount: Annotated[str, typer.Argument(help="In yen, euros …, whatever the server's currency is.")],
) -> None:
    """Add money that a driver has paid to the prepaid balance."""
    settings = _settings()
    if not settings.balance:
        raise _RefusedError(
            "Drivers pay nothing in here: KONSENTO_BALANCE is not true. Its legal side is in docs/payments.md."
        )
    try:
        minor = minor_from_major(Decimal(amount), settings.currency)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise _RefusedError(f"{amount!r} is no amount of {settings.currency}.") from error
    if not 0 < minor < 10**12:
        raise _RefusedError("The amount must be more than zero, and one that somebody can have paid.")
    bring_up_to_date(settings.database_url)
    now = asyncio.run(_add(settings, email, minor))
    typer.echo(f"The balance is {major_from_minor(now, settings.currency)} {settings.currency} now.")


async def _add(settings: Settings, email: str, minor: int) -> int:
    async with _transaction(settings) as session:
        driver = await accounts.driver_by_email(session, normal_email(email))
        if driver is None:
            raise _RefusedError("There is no driver with this e-mail address.")
        await balances.top_up(session, settings, driver.id, minor, SystemClock().now())
        return await balances.available(session, driver.id)


@balance.command("report")
def balance_report(
    on: Annotated[
        list[str] | None,
        typer.Option(help="A day, YYYY-MM-DD; again for more. Without: each 31 March and 30 September, and today."),
    ] = None,
) -> None:
    """Print how much of what drivers have paid in was unused at the end of days (in Japan)."""
    settings = _settings()
    try:
        days = sorted({date.fromisoformat(day) for day in on or []})
    except ValueError as error:
        raise _RefusedError("A day is written YYYY-MM-DD.") from error
    bring_up_to_date(settings.database_url)
    for line in asyncio.run(_report(settings, days)):
        typer.echo(line)


async def _report(settings: Settings, days: list[date]) -> list[str]:
    async with _transaction(settings) as session:
        first = await balances.first_day(session)
        if first is None:
            return ["Nobody has paid anything in."]
        today = SystemClock().now().astimezone(balances.REPORTED_IN).date()
        lines = [f"Counted from {first}: what drivers have paid in, and neither used nor let expire."]
        for day in days or balances.base_days(first, today):
            left = await balances.unused(session, day)
            lines += [
                f"{day}  {major_from_minor(minor, currency)} {currency}"
                + ("  above 10,000,000 JPY" if currency == "JPY" and minor > balances.NOTIFIED_ABOVE_YEN else "")
                for currency, minor in sorted(left.items() or {settings.currency: 0}.items())
            ]
        return lines


@ledger.command("check")
def ledger_check(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False
) -> None:
    """Check that the books balance and agree with the receipts; prints what does not, and ends with 1 then."""
    settings = _settings()
    bring_up_to_date(settings.database_url)
    found = asyncio.run(_check(settings))
    if as_json:
        typer.echo(json.dumps({"ok": not found, "findings": [asdict(one) for one in found]}, indent=2))
    else:
        for one in found:
            typer.echo(f"{one.rule} {one.subject}: {one.says}")
        typer.echo(f"{len(found)} findings." if found else "The books agree.")
    if found:
        raise typer.Exit(1)


async def _check(settings: Settings) -> list[Finding]:
    database = Database(settings.database_url)
    try:
        return await checking.check(database)
    finally:
        await database.close()


@staff.command("add")
def staff_add(
    email: Annotated[str, typer.Argument(help="The person's e-mail address.")],
    role: Annotated[Role, typer.Option(help="What this person may do.")] = Role.VIEWER,
    name: Annotated[str, typer.Option(help="How the back office calls this person.")] = "",
) -> None:
    """Invite somebody to the back office; prints a link that works once, for 24 hours."""
    settings = _settings()
    bring_up_to_date(settings.database_url)
    token = asyncio.run(_invite(settings, email, role, name))
    typer.echo(f"{settings.public_url.rstrip('/')}/office/invitation/{token}")


async def _invite(settings: Settings, email: str, role: Role, name: str) -> str:
    now = SystemClock().now()
    async with _transaction(settings) as session:
        member, token = await members.add(session, email=email, name=name, role=role, now=now)
        await audit.note(
            session, now, None, action="staff.invite", subject=str(member.id), details={"role": role.value}
        )
    return token


@staff.command("reset")
def staff_reset(email: Annotated[str, typer.Argument(help="The person's e-mail address.")]) -> None:
    """Take somebody's password and authenticator away and invite anew, also an administrator who is locked out."""
    settings = _settings()
    bring_up_to_date(settings.database_url)
    token = asyncio.run(_reset(settings, email))
    typer.echo(f"{settings.public_url.rstrip('/')}/office/invitation/{token}")


async def _reset(settings: Settings, email: str) -> str:
    now = SystemClock().now()
    async with _transaction(settings) as session:
        member = await members.by_email(session, email)
        await audit.note(session, now, None, action="staff.reset", subject=str(member.id))
        return await members.reset(session, member.id, now)


@cli.command("labels")
def print_labels(
    station_id: Annotated[str, typer.Argument(help="The site, as it calls itself when it connects.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="NAME.pdf, or NAME.svg: then each page is a file.")],
    *,
    layout: Annotated[str, typer.Option(help=f"The sheet: {', '.join(labels.LAYOUTS)}.")] = DEFAULT_LAYOUT,
    outlet: Annotated[list[int] | None, typer.Option(help="Number of an outlet; again for more. All without.")] = None,
    start: Annotated[int, typer.Option(min=1, help="The first label that is still there on the sheet.")] = 1,
    cut_marks: Annotated[bool, typer.Option("--cut-marks", help="Marks in the corners, for plain paper.")] = False,
) -> None:
    """Write the labels of a site's outlets, with their QR codes, to be printed."""
    settings = _settings()
    sheet = labels.LAYOUTS.get(layout)
    if sheet is None:
        raise _RefusedError(f"There is no sheet {layout!r}. Choose one of {', '.join(labels.LAYOUTS)}.")
    if start > sheet.count:
        raise _RefusedError(f"This sheet has {sheet.count} labels.")
    if output.suffix not in {".pdf", ".svg"}:
        raise _RefusedError("The file's name has to end with .pdf or .svg.")
    bring_up_to_date(settings.database_url)
    made = asyncio.run(_labels(settings, station_id, outlet or []))
    if not made:
        raise _RefusedError(f"There is no such outlet at {station_id!r}.")
    pages = labels.pages_of(made, sheet, start=start, cut_marks=cut_marks)
    if output.suffix == ".pdf":
        output.write_bytes(labels.as_pdf(pages, station_id))
        typer.echo(output)
        return
    for number, page in enumerate(pages, start=1):
        file = output if len(pages) == 1 else output.with_stem(f"{output.stem}-{number}")
        file.write_bytes(labels.as_svg(page, station_id))
        typer.echo(file)


async def _labels(settings: Settings, station_id: str, numbers: list[int]) -> list[labels.Label]:
    async with _transaction(settings) as session:
        site = await sites.site_of_station(session, station_id)
        outlets = await sites.outlets_of(session, site.id) if site is not None else []
        chosen = [outlet for outlet in outlets if not numbers or outlet.evse_id in numbers]
        return labels.labels_of(site, chosen, settings) if site is not None else []


@cli.command()
def statements(
    folder: Annotated[Path, typer.Argument(help="Where the files go; made where it is not there.")],
    month: Annotated[str, typer.Option(help="Of which month, as 2026-11; without it the last one that is over.")] = "",
    language: Annotated[str, typer.Option(help="en or ja.")] = "en",
) -> None:
    """Write the statements of suppliers and site owners as CSV and PDF: of a month, for those whom it moved."""
    settings = _settings()
    chosen = LANGUAGES.get(language)
    if chosen is None:
        raise _RefusedError(f"There is no language {language!r}. Choose en or ja.")
    of = month_of(month, settings.time_zone) if month else month_at(SystemClock().now(), settings.time_zone).before()
    bring_up_to_date(settings.database_url)
    folder.mkdir(parents=True, exist_ok=True)
    for file in asyncio.run(_statements(settings, folder, of, chosen)):
        typer.echo(file)


async def _statements(settings: Settings, folder: Path, month: Month, language: Language) -> list[Path]:
    from konsento.statements.files import write  # noqa: PLC0415  # what draws is slow to load

    database = Database(settings.database_url)
    try:
        return await write(database, settings, folder, month, language)
    finally:
        await database.close()


@asynccontextmanager
async def _transaction(settings: Settings) -> AsyncIterator[AsyncSession]:
    """Give the one transaction of a command."""
    async with _database(settings) as database, database.transaction() as session:
        yield session


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.database_url)
    try:
        yield database
    finally:
        await database.close()


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        mistakes = [
            ": ".join(
                [*([f"KONSENTO_{'_'.join(str(part) for part in m['loc']).upper()}"] if m["loc"] else []), m["msg"]]
            )
            # Without the value: an address of a database holds a password.
            for m in error.errors(include_input=False, include_url=False)
        ]
        raise _RefusedError("\n".join(mistakes)) from error


def sentence_of(error: Exception) -> str | None:
    """Return what the person at the terminal is told of an error; None if it is none of theirs."""
    if isinstance(error, DBAPIError):
        return f"The database does not take this: {error.orig}"
    return str(error) if isinstance(error, _RefusedError | BadFileError) else None
