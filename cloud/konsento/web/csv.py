"""Tables as files for a spreadsheet: written while they are read, so that their length does not matter."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from starlette.responses import Response, StreamingResponse

from konsento.kit.i18n import Language
from konsento.kit.tables import MARK, lines

type Rows = Iterable[Sequence[object]]


def csv_file(name: str, columns: Sequence[str], parts: AsyncIterable[Rows]) -> Response:
    """Return a CSV file (RFC 4180, UTF-8 with a mark that spreadsheets look for)."""
    return StreamingResponse(
        _text(columns, parts),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def headings(language: Language, columns: Iterable[str]) -> list[str]:
    """Return the names of columns as the reader calls them."""
    return [language.text(name) for name in columns]


def local(at: datetime | None, time_zone: str = "UTC") -> str:
    """Return a moment as the clock there shows it, in a form that spreadsheets take for a time; empty for none."""
    return at.astimezone(ZoneInfo(time_zone)).strftime("%Y-%m-%d %H:%M:%S") if at is not None else ""


async def _text(columns: Sequence[str], parts: AsyncIterable[Rows]) -> AsyncIterator[str]:
    yield MARK + lines([columns])
    async for rows in parts:
        yield lines(rows)
