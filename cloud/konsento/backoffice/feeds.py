"""Data sources of the grid: how each is and why, its files, and what is said about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from konsento.backoffice.feed_forms import SourceForm
from konsento.backoffice.render import office_page
from konsento.backoffice.who import GridKeeper, Member, Number
from konsento.feeds import fetching, places, presets, reasons, sources, taking
from konsento.feeds.errors import FileTooLarge, NoFile, UnknownSource
from konsento.feeds.taking import Outcome
from konsento.grid.areas import AREAS
from konsento.grid.readers import FORMATS
from konsento.grid.readers.file import LARGEST
from konsento.grid.regions import all_regions, name_of
from konsento.kit.errors import KonsentoError
from konsento.kit.i18n import Language, marked
from konsento.models import GridFile, GridRegion, GridSource, SourceState, StaffMember, Work, WorkState
from konsento.operations import audit
from konsento.services import Services
from konsento.web import problems
from konsento.web.errors import PageNotFound
from konsento.web.language import language_of
from konsento.web.who import Wired

router = APIRouter()

STATES: Final = {
    SourceState.NEW: marked("nothing has come yet"),
    SourceState.GOOD: marked("in order"),
    SourceState.BAD: marked("bad"),
    SourceState.OFF: marked("switched off"),
}
TONES: Final = {SourceState.NEW: "wait", SourceState.GOOD: "", SourceState.BAD: "bad", SourceState.OFF: "off"}
STALE: Final = marked("too old")
_BOUNDARY: Final = 4096
"""Bytes of a form around its file."""


@dataclass(frozen=True, kw_only=True)
class SourceRow:
    """A source as its pages show it."""

    source: GridSource
    word: str
    tone: str
    reason: str
    """Why it is bad, in the reader's language."""
    region: str
    format: str
    age: str
    """Of its newest good data; empty where there is none."""
    next_at: datetime | None
    zone: str
    """By whose clock its times are shown."""
    warnings: int = 0


@router.get("/feeds")
async def feeds_page(request: Request, services: Wired, member: Member) -> Response:
    """List the sources."""
    language = language_of(request)
    async with services.database.transaction() as session:
        found = await sources.all_sources(session)
        rows = await _rows(session, services, language, found)
    return office_page(request, "feeds.html", member=member, rows=rows)


@router.get("/feeds/new")
async def new_page(request: Request, services: Wired, member: GridKeeper, preset: str = "") -> Response:
    """Ask what is said about a new source, beginning with what a publisher had."""
    chosen = presets.BY_WORD.get(preset)
    language = language_of(request)
    form = SourceForm.preset(language, chosen) if chosen is not None else SourceForm()
    return await _form(request, services, member, form, preset=preset)


@router.post("/feeds")
async def add(request: Request, services: Wired, member: GridKeeper, form: Annotated[SourceForm, Form()]) -> Response:
    """Add a source; it is fetched at once."""
    try:
        async with services.database.transaction() as session:
            wanted = form.wanted()
            source = await sources.add_source(session, services.settings, wanted, form.secret or "")
            await _note(session, services, member, "source.create", source, **_said(vars(wanted)))
            if source.url:
                await fetching.soon(session, services, source)
    except KonsentoError as error:
        return await _form(request, services, member, form, error)
    return RedirectResponse(f"/office/feeds/{source.id}", 303)


@router.get("/feeds/{number}")
async def feed_page(request: Request, number: Number, services: Wired, member: Member) -> Response:
    """Show a source: its state, its files, to keepers with its forms."""
    return await _page(request, services, member, number)


@router.post("/feeds/{number}")
async def change(
    request: Request, number: Number, services: Wired, member: GridKeeper, form: Annotated[SourceForm, Form()]
) -> Response:
    """Change what is said about a source; it is fetched at once."""
    try:
        async with services.database.transaction() as session:
            source = await _found(session, number)
            new = await sources.change_source(session, services.settings, source, form.wanted(), form.secret)
            # Of the key that there is another one; not which.
            said = _said(new) | ({"new_key": True} if form.secret is not None else {})
            await _note(session, services, member, "source.change", source, **said)
            if source.url and source.state is not SourceState.OFF:
                await fetching.soon(session, services, source)
    except PageNotFound:
        raise
    except KonsentoError as error:
        return await _page(request, services, member, number, form=form, error=error)
    return RedirectResponse(f"/office/feeds/{number}", 303)


@router.post("/feeds/{number}/fetch")
async def fetch(request: Request, number: Number, services: Wired, member: GridKeeper) -> Response:
    """Have a source fetched now."""
    try:
        async with services.database.transaction() as session:
            source = await _found(session, number)
            await fetching.soon(session, services, source)
            await _note(session, services, member, "source.fetch", source)
    except PageNotFound:
        raise
    except KonsentoError as error:
        return await _page(request, services, member, number, error=error)
    return RedirectResponse(f"/office/feeds/{number}?asked=1", 303)


@router.post("/feeds/{number}/switch")
async def switch(number: Number, services: Wired, member: GridKeeper, on: Annotated[bool, Form()] = False) -> Response:
    """Switch a source on or off. Its data stay."""
    async with services.database.transaction() as session:
        source = await _found(session, number)
        if sources.switch(source, on=on):
            await _note(session, services, member, "source.switch", source, on=on)
            if on and source.url:
                await fetching.soon(session, services, source)
    return RedirectResponse(f"/office/feeds/{number}", 303)


@router.post("/feeds/{number}/remove")
async def remove(number: Number, services: Wired, member: GridKeeper) -> Response:
    """Remove a source with its data."""
    async with services.database.transaction() as session:
        source = await _found(session, number)
        await _note(session, services, member, "source.remove", source)
        await session.delete(source)
    return RedirectResponse("/office/feeds", 303)


@router.post("/feeds/{number}/upload")
async def upload(request: Request, number: Number, services: Wired, member: GridKeeper) -> Response:
    """Take a file of a source."""
    async with services.database.transaction() as session:
        await _found(session, number)
    try:
        name, content = await _uploaded(request)
        taken = await taking.take(services, number, name, content)
        async with services.database.transaction() as session:
            details = {"file": name[-100:], "outcome": taken.outcome.value}
            await _note(session, services, member, "source.upload", await _found(session, number), **details)
        if taken.error is not None:
            raise taken.error
    except PageNotFound:
        raise
    except KonsentoError as error:
        return await _page(request, services, member, number, error=error)
    return RedirectResponse(f"/office/feeds/{number}?taken={taken.outcome.value}", 303)


@router.get("/feeds/{number}/good")
async def good_file(number: Number, services: Wired, member: Member) -> Response:
    """Give the last file that could be read, as it came."""
    return await _raw(services, number, good=True)


@router.get("/feeds/{number}/bad")
async def bad_file(number: Number, services: Wired, member: Member) -> Response:
    """Give the last file that could not be read, as it came."""
    return await _raw(services, number, good=False)


async def _raw(services: Services, number: UUID, *, good: bool) -> Response:
    async with services.database.transaction() as session:
        file = await sources.last_file(session, number, good=good)
    if file is None:
        raise PageNotFound
    # Bytes of strangers: to be saved, never to be shown as a page of this server.
    named = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(_short_name(file.name), safe='')}"}
    return Response(file.content, media_type="application/octet-stream", headers=named)


async def _uploaded(request: Request) -> tuple[str, bytes]:
    """Return the file of a form with its name. Raises `NoFile`, `FileTooLarge` before more is read than is allowed."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        raise NoFile
    if int(length) > LARGEST + _BOUNDARY:
        raise FileTooLarge(megabytes=LARGEST // 1_000_000)
    async with request.form(max_files=1, max_fields=4) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise NoFile
        return file.filename, await file.read()


async def _found(session: AsyncSession, number: UUID) -> GridSource:
    try:
        return await sources.find_source(session, number, lock=True)
    except UnknownSource:
        raise PageNotFound from None


async def _note(
    session: AsyncSession, services: Services, member: StaffMember, action: str, source: GridSource, **details: Any
) -> None:
    details = {"source": source.name} | details
    await audit.note(session, services.clock.now(), member.id, action=action, subject=str(source.id), details=details)


def _said(values: dict[str, Any]) -> dict[str, Any]:
    """Return what was said as the log keeps it; the name is there already."""
    return {name: value for name, value in values.items() if name != "name" and value not in {"", None}}


async def _rows(
    session: AsyncSession, services: Services, language: Language, found: list[GridSource]
) -> list[SourceRow]:
    regions = {region.code: region for region in await all_regions(session)}
    due = {
        row[0]: row[1]
        for row in await session.execute(
            select(Work.key, Work.due_at).where(Work.kind == fetching.WORK, Work.state == WorkState.DUE)
        )
    }
    reports = {
        row[0]: row[1]
        for row in await session.execute(select(GridFile.source_id, GridFile.report).where(GridFile.good))
    }
    now = services.clock.now()
    return [
        _row(
            services,
            language,
            source,
            regions.get(source.region or ""),
            next_at=due.get(str(source.id)) if source.url and source.state is not SourceState.OFF else None,
            warnings=len(reports.get(source.id, {}).get("warnings", ())),
            now=now,
        )
        for source in found
    ]


def _row(
    services: Services,
    language: Language,
    source: GridSource,
    region: GridRegion | None,
    *,
    next_at: datetime | None,
    warnings: int,
    now: datetime,
) -> SourceRow:
    newest = sources.newest_data(source)
    age_s = (now - newest).total_seconds() if newest is not None else 0.0
    word, tone = language.text(STATES[source.state]), TONES[source.state]
    if source.state is SourceState.GOOD and age_s > source.stale_after_s:
        word, tone = language.text(STALE), "bad"
    return SourceRow(
        source=source,
        word=word,
        tone=tone,
        reason=reasons.read(language, source.reason, source.problem) if source.problem else "",
        region=name_of(region, language.code) if region is not None else language.text("as its files say"),
        format=language.text(FORMATS.get(source.format, source.format)),
        age=age_text(language, age_s) if newest is not None else "",
        next_at=next_at,
        zone=region.time_zone if region is not None else services.settings.time_zone,
        warnings=warnings,
    )


def age_text(language: Language, seconds: float) -> str:
    """Return an age to the minute, from two days on in days."""
    days = int(seconds // 86_400)
    if days >= 2:
        return language.text("{days} days", days=days)
    return language.duration(max(1, int(seconds) // 60) * 60)


async def _regions(session: AsyncSession, language: Language) -> list[tuple[str, str]]:
    """Return the regions that there are, and then those that could be: code and name."""
    there = await all_regions(session)
    known = {region.code for region in there}
    named = [(region.code, f"{name_of(region, language.code)} ({region.code})") for region in there]
    more = [
        (area.code, f"{area.name_ja if language.code == 'ja' else area.name_en} ({area.code})")
        for area in AREAS.values()
        if area.code not in known
    ]
    return named + more


async def _page(
    request: Request,
    services: Services,
    member: StaffMember,
    number: UUID,
    *,
    form: SourceForm | None = None,
    error: KonsentoError | None = None,
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        source = await _found(session, number)
        (row,) = await _rows(session, services, language, [source])
        good = await sources.last_file(session, number, good=True)
        bad = await sources.last_file(session, number, good=False)
        fields = await _fields(session, language, form or SourceForm.of(source))
    folder = services.settings.feeds_folder
    return office_page(
        request,
        "feed.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        row=row,
        source=source,
        good=_file_view(language, good, row.zone),
        bad=_file_view(language, bad, row.zone),
        has_key=bool(source.secret),
        folder=str(folder / source.folder) if folder is not None and source.folder else "",
        no_folder=folder is None and bool(source.folder),
        asked=bool(request.query_params.get("asked")),
        taken={
            Outcome.GOOD.value: language.text("The file was read, and its data are used."),
            Outcome.SAME.value: language.text("This is the file that was read last: nothing is new."),
        }.get(request.query_params.get("taken", ""), ""),
        **fields,
    )


def _file_view(language: Language, file: GridFile | None, zone: str) -> dict[str, Any] | None:
    """Return what a page says about a file."""
    if file is None:
        return None
    report = file.report
    return {
        "name": _short_name(file.name),
        "came_at": file.came_at,
        "bytes": len(file.content),
        "report": report,
        "begin": datetime.fromisoformat(report["begin"]) if "begin" in report else None,
        "end": datetime.fromisoformat(report["end"]) if "end" in report else None,
        "missing": [
            f"{region} {language.moment(datetime.fromisoformat(begin), ZoneInfo(zone))}"
            for region, begin in report.get("missing_first", ())
        ],
        "reason": reasons.read(language, report["reason"], report["error"]) if "reason" in report else "",
    }


def _short_name(name: str) -> str:
    """Return the last part of a file's name or address, without what it was asked with."""
    return name.partition("?")[0].rstrip("/").rpartition("/")[2] or "file"


async def _fields(session: AsyncSession, language: Language, form: SourceForm) -> dict[str, Any]:
    return {
        "form": form,
        "formats": [(word, language.text(label)) for word, label in FORMATS.items()],
        "regions": await _regions(session, language),
        "examples": places.EXAMPLES,
    }


async def _form(
    request: Request,
    services: Services,
    member: StaffMember,
    form: SourceForm,
    error: KonsentoError | None = None,
    *,
    preset: str = "",
) -> Response:
    if error is not None:
        problems.note(request, error)
    language = language_of(request)
    async with services.database.transaction() as session:
        fields = await _fields(session, language, form)
    chosen = presets.BY_WORD.get(preset)
    return office_page(
        request,
        "feed_new.html",
        member=member,
        status=error.status if error else 200,
        problem=language.error(error) if error else None,
        presets=[(one.word, one.name_ja if language.code == "ja" else one.name_en) for one in presets.ALL],
        preset=preset,
        needs_key=chosen is not None and chosen.needs_key,
        has_key=False,
        **fields,
    )
